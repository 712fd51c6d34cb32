// A formula that is too wide for a phone scrolls in a box of its own: let keys reach it.
function reachable() {
  document.querySelectorAll("mjx-container[display=true]").forEach((formula) => {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  });
}
window.addEventListener("load", () => window.MathJax?.startup.promise.then(reachable));
window.addEventListener("resize", reachable);
