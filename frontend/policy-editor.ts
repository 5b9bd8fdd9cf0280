/** An editor for YAML: line numbers, colours, marks of the check. It lives in a shadow tree, because there its style
 *  sheets may be constructed; in the page itself the content security policy forbids those of a script. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export interface Mark {
  line: number;
  level: "error" | "warning" | "info";
  message: string;
}
export interface Editor {
  view: EditorView;
  text(): string;
  go(line: number, focus: boolean): void;
  mark(marks: Mark[]): void;
  /** Puts another text in, changing only what differs: the cursor stays, it can be undone, and it is not typed. */
  replace(text: string): void;
}
interface Options {
  text: string;
  label: string;
  readonly: boolean;
  changed(): void;
  moved(line: number): void;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--blue)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--green)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--ink-2)" },
]);

const dress = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "2px solid var(--accent-fill)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0 40vh" },
  ".cm-gutters": { backgroundColor: "var(--rail)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 60%, transparent)" },
  ".cm-selectionMatch": { backgroundColor: "var(--amber-soft)" },
  ".cm-searchMatch": { backgroundColor: "var(--amber-soft)", outline: "1px solid var(--amber-fill)" },
  ".cm-panels": { backgroundColor: "var(--rail)", color: "var(--ink)" },
  ".cm-textfield": { backgroundColor: "var(--paper)", color: "var(--ink)", border: "1px solid var(--edge)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--sunken)", color: "var(--ink)", border: "1px solid var(--edge)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line-strong)" },
  ".cm-diagnostic": { maxWidth: "46ch", whiteSpace: "pre-wrap" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--red-fill)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--amber-fill)" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--blue)" },
  "&.cm-editor .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", color: "inherit" },
});

const chinese: Record<string, string> = {
  Find: "查找",
  Replace: "替换",
  next: "下一个",
  previous: "上一个",
  all: "全部",
  "match case": "区分大小写",
  regexp: "正则",
  "by word": "全字匹配",
  replace: "替换",
  "replace all": "全部替换",
  close: "关闭",
  "current match": "当前匹配",
  "replaced match on line $": "已替换第 $ 行",
  "replaced $ matches": "已替换 $ 处",
  "on line": "在第",
  "Go to line": "转到行",
  go: "转到",
};

export function makeEditor(place: HTMLElement, options: Options): Editor {
  const shadow = place.attachShadow({ mode: "open" });
  let quiet = false;
  // From outside, what is typed here comes from the place and not from a text field: single keys must not be commands.
  place.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  const view = new EditorView({
    root: shadow,
    parent: shadow,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSelectionMatches(),
        bracketMatching(),
        indentOnInput(),
        indentUnit.of("  "),
        history(),
        yaml(),
        syntaxHighlighting(colours),
        dress,
        EditorView.lineWrapping,
        EditorState.readOnly.of(options.readonly),
        EditorState.phrases.of(document.documentElement.lang.startsWith("zh") ? chinese : {}),
        EditorView.contentAttributes.of({ "aria-label": options.label, spellcheck: "false", autocapitalize: "off", tabindex: "0" }),
        keymap.of([...searchKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !quiet) options.changed();
          if (update.docChanged || update.selectionSet) options.moved(update.state.doc.lineAt(update.state.selection.main.head).number);
        }),
      ],
    }),
  });
  const within = (line: number) => view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return {
    view,
    text: () => view.state.doc.toString(),
    go(line, focus) {
      const at = within(line).from;
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      if (focus) view.focus();
    },
    mark(marks) {
      const found: Diagnostic[] = marks.map((mark) => {
        const line = within(mark.line);
        const from = line.from + (line.text.length - line.text.trimStart().length);
        return { from, to: Math.max(line.to, from), severity: mark.level, message: mark.message };
      });
      quiet = true;
      view.dispatch(setDiagnostics(view.state, found));
      quiet = false;
    },
    replace(text) {
      const now = view.state.doc.toString();
      if (now === text) return;
      const most = Math.min(now.length, text.length);
      let start = 0;
      while (start < most && now[start] === text[start]) start++;
      let end = 0;
      while (end < most - start && now.at(-1 - end) === text.at(-1 - end)) end++;
      quiet = true;
      view.dispatch({ changes: { from: start, to: now.length - end, insert: text.slice(start, text.length - end) } });
      quiet = false;
    },
  };
}
