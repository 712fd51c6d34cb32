// No line begins with the mark that follows a formula, and none ends with the bracket before it.
window.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".bd-article span.math").forEach((formula) => {
    const [before, after] = [formula.previousSibling, formula.nextSibling];
    const opening = (before?.nodeType === Node.TEXT_NODE && before.data.match(/[(“‘]+$/)?.[0]) || "";
    const closing = (after?.nodeType === Node.TEXT_NODE && after.data.match(/^[.,:;?!)”’…]+/)?.[0]) || "";
    if (!opening && !closing) return;
    if (opening) before.data = before.data.slice(0, -opening.length);
    if (closing) after.data = after.data.slice(closing.length);
    const together = document.createElement("span");
    together.className = "together";
    formula.replaceWith(together);
    together.append(opening, formula, closing);
  });
});

// What is too wide for a phone scrolls in a box of its own: let keys reach it.
function reachable() {
  document.querySelectorAll("mjx-container[display=true], .cell_output .output.text_html").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
}
// Pictures shrink with the page, but never so far that what is written in them cannot be read.
window.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".cell_output img[width]").forEach((img) => {
    img.style.minWidth = `${Math.round(0.55 * img.getAttribute("width"))}px`;
  });
});
window.addEventListener("load", reachable);
window.addEventListener("load", () => window.MathJax?.startup.promise.then(reachable));
window.addEventListener("resize", reachable);

// The theme takes the focus away from a menu that was opened, or used, by keys: give it back to its button.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.(".dropdown")?.querySelector('[data-bs-toggle="dropdown"]');
    if (button && event.detail === 0) setTimeout(() => button.focus());  // 0: no mouse
  },
  true,
);

// On paper a fold cannot be opened, and light letters cannot be read.
let afterwards = [];
window.addEventListener("beforeprint", () => {
  const page = document.documentElement;
  const theme = page.dataset.theme;
  page.dataset.theme = "light";
  afterwards = [() => (page.dataset.theme = theme)];
  document.querySelectorAll(".bd-article details:not(.hide):not([open])").forEach((fold) => {
    fold.open = true;
    afterwards.push(() => (fold.open = false));
  });
});
window.addEventListener("afterprint", () => {
  afterwards.forEach((undo) => undo());
  afterwards = [];
});

// Sphinx finds pages: show the sections that hold the words, with links to them. `lk.trace` is `trace` in its index.
// On the document, so that it is done before Sphinx begins.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return; // only the page of results has it
  const split = splitQuery;
  splitQuery = (query) => split(query.replace(/\blk\.(?=\w)/g, ""));
  Search.makeSearchSummary = (html, words, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html"), summary = document.createElement("div");
    page.querySelectorAll(".headerlink, script, style, .below-input > summary").forEach((part) => part.remove());
    const sections = [...page.querySelectorAll(".bd-article section[id]")].map(({ id, children }) => {
      const [heading, ...parts] = [...children].filter((part) => part.matches(":not(section, span)"));
      const [title, text] = [[heading], parts].map((some) => some.map((part) => part?.textContent ?? "").join(" "));
      const hits = [...words].map((word) => `${title} ${text}`.toLowerCase().split(word).length - 1);
      return { id, title, text: text.replace(/\s+/g, " "), score: Math.min(...hits) };
    });
    const best = sections.filter(({ id, score }) => (anchor ? `#${id}` === anchor : score > 0));
    best.sort((a, b) => b.score - a.score);
    for (const { id, title, text } of best.slice(0, 3)) {
      const line = document.createElement("p"), link = document.createElement("a");
      const start = Math.max(0, Math.min(...[...words].map((word) => text.toLowerCase().indexOf(word))) - 90);
      line.className = "context";
      link.textContent = title;
      line.append(link, ` … ${text.slice(start, start + 200)} …`);
      summary.append(line);
      // The address of the page stands in the entry that the summary is put into.
      setTimeout(() => (link.href = `${summary.parentNode.querySelector("a").href.split("#")[0]}#${id}`));
    }
    return summary;
  };
});
