// Let the reader change the numbers that go in, and compute the graph anew. data.edit: see picture.editable.
const OPERATIONS = {  // by what stands around operands a and b: the result y, and its slope for each of them
  '−': [a => -a, () => -1], ' + ': [(a, b) => a + b, () => 1, () => 1], ' − ': [(a, b) => a - b, () => 1, () => -1],
  ' · ': [(a, b) => a * b, (a, b) => b, a => a], ' / ': [(a, b) => a / b, (a, b) => 1 / b, (a, b, y) => -y / b],
  '^': [Math.pow, (a, b) => b && b * Math.pow(a, b - 1), (a, b, y) => a || b < 0 ? y * Math.log(a) : 0],
  relu: [a => a <= 0 ? 0 : a, a => a <= 0 ? 0 : 1], sigmoid: [a => 1 / (1 + Math.exp(-a)), (a, y) => y * (1 - y)],
  exp: [Math.exp, (a, y) => y], log: [Math.log, a => 1 / a], sqrt: [Math.sqrt, (a, y) => 0.5 / y],
  sin: [Math.sin, Math.cos], cos: [Math.cos, a => -Math.sin(a)], tanh: [Math.tanh, (a, y) => 1 - y * y]
};
// At most four digits, as everywhere in the picture.
function digits(x) {
  const isTie = /[02468]\.?5[0.]{20,}(e|$)/.test(x.toPrecision(30));  // it goes to the even digit, as in Python
  const short = +(isTie ? x * (1 - 1e-9) : x).toPrecision(4), size = Math.abs(short);
  const isPlain = size >= 1e-4 && size < (short === Math.fround(x) ? 1e6 : 1e4);
  const text = isPlain || !size ? String(short) : short.toExponential().replace('+', '');
  return text.replace('Infinity', '∞').replace(/-/g, '−');
}
function bracketed(x) { return x < 0 ? `(${digits(x)})` : digits(x); }
// The number of a text, or NaN.
function read(text) { return +(text.trim().replace(/−/g, '-').replace(',', '.') || NaN); }
function edit(data, svg, control) {
  const {captions, edit: {nodes, passed}} = data, sheet = svg.parentNode, titles = svg.querySelectorAll('g > title');
  const texts = [...svg.querySelectorAll('text')].filter(text => /= −?(\d[\d.e−]*|∞|NaN)$/.test(text.textContent));
  // Compute the graph; return the number of each text, arrows first, and what captions tell after " = ", in order.
  function compute() {
    const told = [];
    nodes.forEach(node => {
      Object.assign(node, {slopes: {}, sums: [0]});  // by source; of the terms of its gradient, from none to all
      if (!node.work) return;
      const inputs = [...node.work.matchAll(/\?(\d+)/g)].map(found => found[1]), x = inputs.map(i => nodes[i].value);
      const around = node.work.replace(/\(?\?\d+\)?/g, '');
      const power = /^\^?(−?[\d.]{1,4})$/.exec(around.normalize('NFKC'));  // of more digits, the text has not all
      if (power) x.push(read(power[1]));
      const [result, ...slopes] = OPERATIONS[power ? '^' : around] ?? [() => NaN];
      node.value = result(...x);
      inputs.forEach((i, k) => { node.slopes[i] = (node.slopes[i] ?? 0) + slopes[k]?.(...x, node.value); });
      const operand = (_, open, i) => open + (open ? digits : bracketed)(nodes[i].value);
      told.push(`${node.work.replace(/(\(?)\?(\d+)/g, operand)} = ${digits(node.value)}`);
    });
    nodes[passed[0][1]].sums.push(1);
    told.push('1');  // the gradient of the target
    passed.forEach(([source, target]) => {
      const {sums} = nodes[source], gradient = nodes[target].sums.at(-1), slope = nodes[target].slopes[source] ?? NaN;
      const added = gradient * slope, sum = sums.at(-1) + added;
      sums.push(sum);
      told.push(`\t${digits(gradient)}\t × \f${bracketed(slope)}\f = ${digits(added)}, together ${digits(sum)}`);
    });
    told.push(...nodes.filter(node => !node.work && node.sums.length > 1).map(leaf => digits(leaf.sums.at(-1))));
    const arrows = [...passed].sort((a, b) => a[1] - b[1]).map(([source, target]) => nodes[target].slopes[source]);
    const boxes = nodes.filter(node => node.work || node.free).flatMap(node => [node.value, ...node.sums.slice(1)]);
    return {told, numbers: [...arrows, ...boxes]};
  }
  function change(node, x) {
    node.value = x;
    const {told, numbers} = compute();
    texts.forEach((text, k) => {
      const rect = text.closest('svg > g').querySelector('rect'), end = text.lastChild.lastChild ?? text.lastChild;
      text.letter ??= text.getAttribute('textLength') / text.textContent.length;  // its width
      end.data = end.data.replace(/\S*$/, digits(numbers[k]));
      const long = Math.round(text.letter * text.textContent.length);
      text.setAttribute('textLength', Math.min(long, rect ? rect.getAttribute('width') - 8 : 130));
      text.dataset.number = numbers[k];  // in full, for who looks inside
    });
    // Only the last of several terms tells what they are together.
    const renew = old => ' = ' + told.shift().split(', ').slice(0, old.split(', ').length).join(', ');
    data.captions = captions.map(text => text.replace(/ = [^=∂;\n]+( = [^=;\n]+)?(?=;|$)/gm, renew));
    control.again();
  }
  const {numbers} = compute(), shown = texts.map(text => read(text.textContent.split(' ').pop()));
  const isRight = (number, k) => Math.abs(shown[k] - number) < 2e-3 * Math.abs(number) + 1e-6;
  if (shown.length !== numbers.length || !numbers.every(isRight)) return;  // an unknown operation, or a hook
  svg.role = 'group';  // a picture would hide what is in it
  make('style', '', sheet, {textContent: '.lk-graph label input:not(:focus){opacity:0}'});
  nodes.forEach((node, i) => {
    if (!node.free) return;
    const title = titles[i].textContent, rect = titles[i].nextSibling;
    const percent = (side, of = side) => 100 * rect.getAttribute(side) / svg.getAttribute(of) + '%';
    const css = `left:${percent('x', 'width')};top:${percent('y', 'height')};width:${percent('width')};`;
    const label = make('label', `position:absolute;margin:0;${css}height:${percent('height')}`, sheet, {title});
    make('span', 'position:absolute;left:100%;top:-9px;font-size:14px', label, {textContent: '✎'});
    const field = make('input', 'position:absolute;top:0;left:calc(50% - 45px);width:90px;box-sizing:border-box;' +
      'text-align:center;font:inherit', label, {ariaLabel: title, value: node.value, onclick: () => field.select()});
    field.onchange = () => {
      const x = read(field.value);
      if (isFinite(x)) change(node, x);
      field.value = node.value;
    };
    field.onkeydown = event => {
      if (event.key === 'Escape') field.value = node.value;
      if (event.key === 'Escape' || event.key === 'Enter') sheet.parentNode.focus();
    };
  });
}
