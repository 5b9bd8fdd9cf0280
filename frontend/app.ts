/** Every page loads this: htmx and the small behaviours, each tied to a data- attribute. */
import "htmx.org";
import "./dialog";
import "./disclose";
import "./drafts";
import "./inline";
import "./keys";
import "./list";
import "./login";
import "./menu";
import "./pick";
import "./search";
import "./theme";
import "./toast";

document.documentElement.classList.add("js");
