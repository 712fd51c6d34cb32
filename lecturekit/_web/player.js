// Buttons, a slider and keys over the steps 0 … last. show(step, before) draws a step and returns its words, in which
// tabs stand around a gradient and form feeds around a slope. Played, a step comes each `pace` milliseconds.
// Everything made here works on white and dark pages, keeps its keys to itself and needs no style sheet.

// A colour of the house, which a page may exchange for another one.
function hue(colour) { return 'var(--' + colour.slice(1) + ',' + colour + ')'; }

function player(root, last, show, pace) {
  var step = -1, timer = 0, doc = root.ownerDocument;
  function make(tag, css, parent) {
    var element = doc.createElement(tag);
    element.style.cssText = css;
    parent.appendChild(element);
    return element;
  }
  // JupyterLab would take the keys of a focused element for its own: d d deletes a cell.
  function focusable(element) {
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
    element.addEventListener('focus', function () {
      element.style.outline = element.matches(':focus-visible') ? '3px solid ' + hue('#0b5394') : 'none';
      element.style.outlineOffset = '1px';
    });
    element.addEventListener('blur', function () { element.style.outline = 'none'; });
    return element;
  }
  root.style.cssText = 'background:' + hue('#ffffff') + ';color:' + hue('#1b1f24') + ';color-scheme:var(--scheme,light);' +
    'font:15px/1.4 system-ui,sans-serif;border-radius:6px;padding:8px;box-sizing:border-box;max-width:100%;' +
    'margin:4px 0 10px;text-align:left;outline:none';
  root.tabIndex = -1;
  focusable(root);
  // The buttons and the words stay in sight where the page scrolls; --lk-top is what the page itself keeps there.
  var head = make('div', 'position:sticky;top:var(--lk-top,0px);z-index:1;padding:1px 0 4px;background:inherit', root);
  var bar = make('div', 'display:flex;flex-wrap:wrap;gap:6px;align-items:center', head);
  var buttons = [['', 0], ['First', -Infinity], ['Back', -1], ['Step', 1], ['Last', Infinity]].map(function (kind) {
    var button = focusable(make('button', 'font:inherit;color:inherit;background:' + hue('#f2f3f5') + ';border:1px solid ' +
      hue('#57606a') + ';border-radius:5px;padding:6px 11px;margin:0;cursor:pointer', bar));
    button.type = 'button';
    button.textContent = kind[0];
    button.onclick = function () { if (kind[1]) go(step + kind[1]); else play(!timer); };
    return button;
  });
  var playing = buttons.shift();
  playing.style.minWidth = '44px';
  var slider = focusable(make('input', 'flex:1 1 80px;min-width:60px;max-width:260px;margin:0 4px;accent-color:' +
    hue('#0b5394'), bar));
  slider.type = 'range';
  slider.min = 0;
  slider.max = last;
  slider.step = 1;
  slider.setAttribute('aria-label', 'step');
  slider.oninput = function () { go(+slider.value); };
  var count = make('span', 'font-variant-numeric:tabular-nums', bar);
  count.setAttribute('aria-hidden', 'true');
  // What is said aloud is what is seen, after the number of the step.
  var live = make('div', 'margin:6px 2px 2px', head);
  live.setAttribute('aria-atomic', 'true');
  var aloud = make('span', 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)', live);
  var caption = make('div', 'min-height:1.4em;white-space:pre-line;overflow-wrap:anywhere', live);
  function tell(words) {
    caption.textContent = '';
    words.split(/([\t\f][^\t\f]*[\t\f])/).forEach(function (part) {
      var colour = {'\t': '#a8200d', '\f': '#0b5394'}[part[0]];
      var span = make('span', colour ? 'font-weight:600;color:' + hue(colour) : '', caption);
      span.textContent = colour ? part.slice(1, -1) : part;
    });
  }
  function play(on) {
    clearInterval(timer);
    timer = on && setInterval(function () {
      move(step + 1);
      if (step === last || !root.isConnected) play(false);
    }, pace || Math.max(40, 12000 / last));
    playing.textContent = on ? '❚❚' : '▶\ufe0e';
    playing.setAttribute('aria-label', on ? 'Pause' : 'Play');
    live.setAttribute('aria-live', on ? 'off' : 'polite');  // a voice could not keep up
    if (on) move(step === last ? 0 : step + 1);
  }
  function go(to) {
    if (timer) play(false);
    move(to);
  }
  function move(to) {
    var before = step;
    to = Math.max(0, Math.min(last, to));
    if (to === step) return;
    step = to;
    slider.value = step;
    slider.setAttribute('aria-valuetext', step + ' of ' + last);
    count.textContent = step + ' / ' + last;
    aloud.textContent = 'step ' + step + ' of ' + last + '. ';
    buttons.forEach(function (button, i) {  // never disabled: that would drop the focus, and keys with it
      var off = step === (i < 2 ? 0 : last);
      button.setAttribute('aria-disabled', off);
      button.style.color = off ? hue('#6b7178') : 'inherit';
      button.style.cursor = off ? 'default' : 'pointer';
    });
    tell(show(step, before));
  }
  play(false);
  root.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    var by = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity}[event.key];
    if (by) {
      event.preventDefault();
      go(step + by);
    }
  });
  ['keypress', 'keyup'].forEach(function (kind) {
    root.addEventListener(kind, function (event) { event.stopPropagation(); });
  });
  function again() {  // what is shown has changed
    if (step) tell(show(step, step)); else go(last);
  }
  return {go: go, again: again, tell: tell, focusable: focusable, make: make, head: head, live: live, caption: caption};
}
