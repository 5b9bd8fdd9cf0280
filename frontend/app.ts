/** Every page loads this: htmx and the small behaviours, each tied to a data- attribute. */
import "htmx.org";
import "./bulk";
import "./cells";
import "./create";
import "./deeds";
import "./dialog";
import "./display";
import "./disclose";
import "./drop";
import "./drafts";
import "./filters";
import "./inline";
import "./keys";
import "./list";
import "./login";
import "./menu";
import "./merge";
import "./peek";
import "./pick";
import "./recent";
import "./search";
import "./sheets";
import "./story";
import "./theme";
import "./toast";
import "./widths";

document.documentElement.classList.add("js");
