// A plugin of reveal.js: each slide is made as large as it fits, and keys scroll what does not fit.
const Slides = {
  id: "lesson",
  async init(deck) {
    await new Promise((loaded) => addEventListener("load", loaded));
    await window.MathJax?.startup.promise;
    document.querySelectorAll(".slides section:not(:has(> section))").forEach(fit);
    addEventListener("keydown", (event) => press(deck, event), true);
    deck.on("slidechanged", () => document.activeElement.blur());
  },
};

const SIZES = [2.2, 2, 1.85, 1.7, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4];

function fit(section) {
  const page = document.createElement("div"), heading = section.querySelector(":scope > :is(h1, h2, h3)");
  page.className = "page";
  page.append(...section.childNodes);
  section.append(...[heading, page].filter(Boolean));
  const picture = page.children.length === 1 && page.querySelector("img, [role=group]:not(.lk-pad)");
  const graph = page.querySelector("[role=region]"), paper = location.search.includes("print-pdf");
  const largest = picture ? 2.2 : 1.3, smallest = graph ? (paper ? 0.4 : 1) : 0.7;
  const excess = () => section.scrollHeight - section.clientHeight;
  if (graph) graph.style.maxHeight = "none";
  section.classList.add("measured");
  for (const size of SIZES.filter((size) => smallest <= size && size <= largest)) {
    page.style.zoom = size;
    const wide = [...page.querySelectorAll("pre, table, mjx-container, [role=region]")];
    if (excess() <= 0 && wide.every((part) => part.scrollWidth <= part.clientWidth + 1)) break;
  }
  // A graph that is too high scrolls in its own box, where it follows its steps beneath its buttons.
  if (graph && excess() > 0 && !paper) graph.style.maxHeight = `${graph.clientHeight - excess()}px`;
  section.classList.remove("measured");
}

// A slide shows all steps of its graph, and scrolls to its end, before the next one comes. A graph keeps its keys to
// itself, but for those of a presenter's remote, and Escape leaves it.
function press(deck, event) {
  const way = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }[event.key];
  const inside = event.target.closest?.("[role=group]"), slide = deck.getCurrentSlide(), top = slide.scrollTop;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || deck.isOverview()) return;
  if (inside && event.key === "Escape") document.activeElement.blur();
  else if (way && (!inside || event.key.startsWith("Page"))) {
    const steps = slide.querySelector(".lk-graph input[type=range]"), shown = steps && !steps.closest(".fragment:not(.visible)");
    if (way > 0 && shown && +steps.value < +steps.max) {
      steps.value = +steps.value + 1;
      steps.dispatchEvent(new Event("input"));
      return event.preventDefault(), event.stopPropagation();
    }
    slide.scrollTop += 0.8 * way * slide.clientHeight;
    if (slide.scrollTop === top) way > 0 ? deck.next() : deck.prev();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
