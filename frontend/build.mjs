/** Builds the browser's files into xiaoguan/project/static/: app.css, app.js, board.js, charts.js, policy.js and the icon sprite.
 *
 *  node frontend/build.mjs           once, minified
 *  node frontend/build.mjs --watch   again at every change, readable
 *
 *  Names are plain; whitenoise adds the content hash when it serves them. */
import { build, context } from "esbuild";
import { PurgeCSS } from "purgecss";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const out = join(root, "xiaoguan/project/static");
const watch = process.argv.includes("--watch");

/** The pieces of Tabler that the pages use; the rest of its 630 kB stays out. A new one is added here on purpose. */
const TABLER = `
  html body main nav section header footer aside h1 h2 h3 h4 p a ul ol li dl dt dd table thead tbody tr th td caption
  form fieldset legend label input select textarea button output progress details summary dialog small strong em code
  pre kbd hr img svg time abbr hidden
  btn btn-primary btn-icon btn-sm btn-danger form-control form-control-sm form-select form-select-sm form-check
  form-check-input form-check-label form-label is-invalid was-validated visually-hidden`;

/** Answers imports of Tabler's style sheet with the used part of it. */
const tabler = {
  name: "tabler",
  setup(pipeline) {
    pipeline.onLoad({ filter: /tabler\.css$/ }, async ({ path }) => {
      const [used] = await new PurgeCSS().purge({
        content: [{ raw: TABLER, extension: "txt" }],
        css: [{ raw: await readFile(path, "utf8") }],
        variables: true,
        keyframes: true,
      });
      return { contents: used.css, loader: "css" };
    });
  },
};

/** Every file below `folder` whose name ends with one of `endings`. */
async function files(folder, endings) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Writes icons.svg: one symbol for each Tabler icon that a page, a declaration or a script names, and for those that
 *  icons.txt keeps ready for declarations to come.
 *
 *  An icon counts as named when its quoted name stands on a line that has the word "icon". icon("...") in a template
 *  and icon = "..." in a declaration must exist: a wrong name would show as nothing. */
async function sprite() {
  const outline = join(root, "node_modules/@tabler/icons/icons/outline");
  const known = new Set((await readdir(outline)).map((name) => name.replace(/\.svg$/, "")));
  const used = new Set((await readFile(join(here, "icons.txt"), "utf8")).trim().split("\n"));
  const sources = [...(await files(join(root, "xiaoguan"), [".py", ".html"])), ...(await files(here, [".ts"]))];
  for (const source of sources) {
    for (const line of (await readFile(source, "utf8")).split("\n")) {
      if (!/icon/i.test(line)) continue;
      for (const [, name] of line.matchAll(/["']([a-z0-9-]+)["']/g)) if (known.has(name)) used.add(name);
      for (const [, name] of line.matchAll(/\bicon(?:\(| = )["']([a-z0-9-]+)["']/g)) {
        if (!known.has(name)) console.warn(`${source}: there is no Tabler icon "${name}"`);
      }
    }
  }
  const symbols = [...used].sort().map(async (name) => {
    const svg = await readFile(join(outline, `${name}.svg`), "utf8");
    const shape = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${shape.replace(/<path stroke="none"[^>]*\/>/, "").replace(/\s+/g, " ").trim()}</symbol>`;
  });
  const mark = await readFile(join(here, "mark.svg"), "utf8");
  await writeFile(join(out, "favicon.svg"), mark);
  symbols.push(mark.replace("<svg", '<symbol id="mark"').replace("</svg>", "</symbol>").trim());
  await writeFile(
    join(out, "icons.svg"),
    `<svg xmlns="http://www.w3.org/2000/svg">${(await Promise.all(symbols)).join("\n")}</svg>\n`,
  );
}

const options = {
  entryPoints: [
    { in: join(here, "app.ts"), out: "app" },
    { in: join(here, "board.ts"), out: "board" },
    { in: join(here, "charts.ts"), out: "charts" },
    { in: join(here, "policy.ts"), out: "policy" },
    { in: join(here, "css/app.css"), out: "app" },
  ],
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["chrome125", "firefox128", "safari17.5"],
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  legalComments: "linked",
  charset: "utf8",
  logLevel: "warning",
  plugins: [tabler, { name: "sprite", setup: (pipeline) => pipeline.onEnd(sprite) }],
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
if (watch) await (await context(options)).watch();
else await build(options);
