// A card with buttons, a slider and keys over the steps 0 … last. show(step, before) draws a step and returns its
// words: in the room of so many lines, with tabs around a gradient and form feeds around a slope. Played, a step comes
// each `pace` milliseconds. It works on white and dark pages, keeps its keys to itself and needs no style of the page.

// A colour of the house, which a page may exchange for another one.
function hue(colour) { return `var(--${colour.slice(1)},${colour})`; }

// A style sheet that exchanges them in a card: dark where the page says so, or else the machine.
function darken(card, colours) {
  const exchanged = Object.entries(colours).map(([light, dark]) => `;--${light.slice(1)}:${dark}`);
  const dark = `.${card}{--scheme:dark${exchanged.join('')}}`;
  return `@media screen{:is(html[data-theme=dark],body[data-jp-theme-light=false]) ${dark}}
    @media screen and (prefers-color-scheme:dark){html:not([data-theme]) body:not([data-jp-theme-light]) ${dark}}`;
}

// A new element with its style and properties, at the end of another one.
function make(tag, css, parent, properties) {
  const element = Object.assign(document.createElement(tag), properties);
  element.style.cssText = css;
  parent?.append(element);
  return element;
}

function player(className, ariaLabel, last, lines, show, pace = Math.max(40, 12000 / last)) {
  let step = -1, timer = 0;
  const root = make('div', `background:${hue('#ffffff')};color:${hue('#1b1f24')};color-scheme:var(--scheme,light);` +
    'font:15px/1.4 system-ui,sans-serif;border-radius:6px;padding:8px;box-sizing:border-box;max-width:100%;' +
    'margin:4px 0 10px;text-align:left;outline:none', null, {className, role: 'group', ariaLabel, tabIndex: -1});
  root.dataset.lmSuppressShortcuts = true;  // JupyterLab would take the keys for its own: d d deletes a cell
  // The buttons and the words stay in sight where the page scrolls; --lk-top is what the page itself keeps there.
  const head = make('div', 'position:sticky;top:var(--lk-top,0);z-index:1;padding:1px 0 4px;background:inherit', root);
  const bar = make('div', 'display:flex;flex-wrap:wrap;gap:6px;align-items:center', head);
  function button(textContent, onclick) {
    return make('button', `background:${hue('#f2f3f5')};border:1px solid ${hue('#57606a')};border-radius:5px;` +
      'font:inherit;color:inherit;padding:6px 11px;margin:0;min-width:44px;cursor:pointer', bar,
      {type: 'button', textContent, onclick});
  }
  const playing = button('', () => play(!timer));
  const ways = [['First', -Infinity], ['Back', -1], ['Step', 1], ['Last', Infinity]];
  const buttons = ways.map(([text, by]) => button(text, () => go(step + by)));
  const css = 'flex:1 1 80px;min-width:60px;max-width:260px;margin:0 4px;accent-color:' + hue('#0b5394');
  const slider = make('input', css, bar,
    {type: 'range', min: 0, max: last, ariaLabel: 'step', oninput: () => go(+slider.value)});
  const count = make('span', 'font-variant-numeric:tabular-nums', bar, {ariaHidden: true});
  // What is said aloud is what is seen, after the number of the step.
  const live = make('div', 'margin:6px 2px 2px', head, {ariaAtomic: true});
  const aloud = make('span', 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)', live);
  const caption = make('div', `min-height:${1.4 * lines}em;white-space:pre-line;overflow-wrap:anywhere`, live);
  function tell(words) {
    caption.textContent = '';
    words.split(/([\t\f][^\t\f]*[\t\f])/).forEach(part => {
      const colour = {'\t': '#a8200d', '\f': '#0b5394'}[part[0]], textContent = part.replace(/[\t\f]/g, '');
      make('span', colour ? 'font-weight:600;color:' + hue(colour) : '', caption, {textContent});
    });
  }
  function play(on) {
    clearInterval(timer);
    timer = on && setInterval(() => {
      move(step + 1);
      if (step === last || !root.isConnected) play(false);
    }, pace);
    playing.textContent = on ? '❚❚' : '▶\ufe0e';
    playing.ariaLabel = on ? 'Pause' : 'Play';
    live.ariaLive = on ? 'off' : 'polite';  // a voice could not keep up
    if (on) move(step === last ? 0 : step + 1);
  }
  function go(to) {
    play(false);
    move(to);
  }
  function move(to) {
    const before = step;
    step = Math.max(0, Math.min(last, to));
    if (step === before) return;
    slider.value = step;
    slider.ariaValueText = `${step} of ${last}`;
    count.textContent = `${step} / ${last}`;
    aloud.textContent = `step ${step} of ${last}. `;
    // Never disabled: that would drop the focus, and keys with it.
    buttons.forEach((button, i) => { button.ariaDisabled = step === (i < 2 ? 0 : last); });
    tell(show(step, before));
  }
  make('style', '', root, {textContent: `
    .${className} :focus-visible{outline:3px solid ${hue('#0b5394')}!important;outline-offset:1px}
    .${className} [aria-disabled=true]{color:${hue('#6b7178')}!important;cursor:default!important}`});
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const by = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity}[event.key];
    if (!by || event.target.type === 'text') return;
    event.preventDefault();
    go(step + by);
  });
  function again() {  // what is shown has changed
    if (step) tell(show(step, step)); else go(last);
  }
  return {root, go, tell, again, live};
}
