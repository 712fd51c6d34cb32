// Let the reader change the numbers that go in, and compute the graph anew. Work is empty there, null at a constant.
var OPERATIONS = {  // what an operation of a and b gives, and its slopes; y is its result
  '+': [(a, b) => a + b, () => 1, () => 1], relu: [a => a <= 0 ? 0 : a, a => a <= 0 ? 0 : 1],
  '−': [(a, b) => b === undefined ? -a : a - b, (a, b) => b === undefined ? -1 : 1, () => -1],
  '·': [(a, b) => a * b, (a, b) => b, a => a], '/': [(a, b) => a / b, (a, b) => 1 / b, (a, b, y) => -y / b],
  '^': [Math.pow, (a, b) => b && b * Math.pow(a, b - 1), (a, b, y) => a || b < 0 ? y * Math.log(a) : 0],
  exp: [Math.exp, (a, b, y) => y], log: [Math.log, a => 1 / a], sqrt: [Math.sqrt, (a, b, y) => 0.5 / y],
  sin: [Math.sin, Math.cos], cos: [Math.cos, a => -Math.sin(a)],
  tanh: [Math.tanh, (a, b, y) => 1 - y * y], sigmoid: [a => 1 / (1 + Math.exp(-a)), (a, b, y) => y * (1 - y)]
};
// "w · x": the operation, and what it works on.
function parts(work) {
  var found = /^(\S+)\s([+−·/])\s(\S+)$/.exec(work);
  if (found) return [found[2], found[1], found[3]];
  if ((found = /^(\w+)\((.+)\)$/.exec(work) || /^(−)(.+)$/.exec(work))) return found.slice(1);
  found = /^(.+?)(?:\^(.+)|([⁻⁰¹²³⁴-⁹]+))$/.exec(work);
  return ['^', found[1], found[2] || found[3].replace(/./g, c => '−0123456789'['⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c)])];
}
// All values, the slope of each edge, what each term adds and makes of its gradient, all gradients, and each work.
function compute(graph, known) {
  var all = {values: [], slopes: graph.edges.map(() => 0), gradients: known.map((x, i) => +(i === graph.target)),
    added: [], sums: [], work: []};
  graph.work.forEach((work, i) => {
    all.values[i] = known[i];
    if (!work) return;
    var [op, ...operands] = parts(work), rule = OPERATIONS[op];
    var from = operands.map(text => graph.edges.findIndex(  // the edge that brings it; none for a number
      edge => edge[1] === i && graph.names[edge[0]] === text.replace(/^\((.*)\)$/, '$1')));
    var x = from.map((e, k) => e < 0 ? +operands[k].replace('−', '-') : all.values[graph.edges[e][0]]);
    var y = all.values[i] = rule[0](...x), [a, b] = x.map(bracketed);
    from.forEach((e, k) => { if (e >= 0) all.slopes[e] += rule[k + 1](x[0], x[1], y); });
    all.work[i] = op === '−' && !b ? '−' + a : op !== '^' ? b ? a + ' ' + op + ' ' + b : op + '(' + digits(x[0]) + ')' :
      from[1] >= 0 ? a + '^' + b : a + work.slice(operands[0].length);
  });
  graph.terms.forEach((e, k) => {
    var [source, target] = graph.edges[e];
    all.added[k] = all.gradients[target] * all.slopes[e];
    all.sums[k] = all.gradients[source] += all.added[k];
  });
  return all;
}
// At most four digits, as everywhere in the picture.
function digits(x) {
  if (!isFinite(x)) return isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞';
  var long = x.toExponential(25), tie = /^-?.{4}[02468]50*e/.test(long);  // Python rounds it to the even digit
  var short = +(tie ? long.replace(/50*e/, 'e') : x.toPrecision(4)), size = Math.abs(short);
  var plain = !size || size >= 1e-4 && size < 1e4 || size < 1e6 && short === x;
  return (plain ? String(short) : short.toExponential().replace('+', '')).replace(/-/g, '−');
}
function bracketed(x) { return x < 0 ? '(' + digits(x) + ')' : digits(x); }
function edit(data, svg, control) {
  var graph = data.edit, words = data.captions, known = graph.known.slice(), box = svg.parentNode;
  var groups = [...svg.querySelectorAll(':scope > g')], nodes = groups.slice(graph.edges.length);
  var set = (element, what) => { for (var name in what) element.setAttribute(name, what[name]); return element; };
  var texts = group => [...group.querySelectorAll('text')];
  function numbers(all) {  // each text that ends in a number, with the number
    var found = graph.edges.map((edge, e) => [texts(groups[e]).pop(), all.slopes[e]]);
    nodes.forEach((group, i) => {
      var sums = all.sums.filter((sum, k) => graph.edges[graph.terms[k]][0] === i), rows = texts(group);
      rows.filter(row => row.textContent[0] === '∂').forEach((row, k) => found.push([row, sums.length ? sums[k] : 1]));
      if (graph.work[i] !== null) found.push([rows[graph.work[i] ? 1 : 0], all.values[i]]);
    });
    return found.filter(pair => pair[0]);
  }
  function write([text, number]) {
    var node = text, long = text.textContent.length, rect = text.closest('svg > g').querySelector('rect');
    while (node.lastChild) node = node.lastChild;
    node.data = node.data.replace(/\S*$/, digits(number));
    text.long = (text.long || +text.getAttribute('textLength')) + 8 * (text.textContent.length - long);
    text.setAttribute('textLength', Math.min(text.long, rect ? rect.getAttribute('width') - 8 : 130));
  }
  var right = ([{textContent: t}, x]) =>
    Math.abs(t.replace(/^.*\s/, '').replace(/−/g, '-') - x) < 2e-3 * Math.abs(x) + 1e-6;
  if (!numbers(compute(graph, known)).every(right)) return;  // something else made these numbers
  function again() {
    var all = compute(graph, known), last = words.length - 1, k = 0, step = 0;
    numbers(all).forEach(write);
    graph.work.forEach((work, i) => {
      if (!work) return;
      var sides = words[++step].split(' = '), filled = sides[3] ? [all.work[i]] : [];
      words[step] = [...sides.slice(0, 2), ...filled, digits(all.values[i])].join(' = ');
    });
    for (step += 2; step < last; step++) words[step] = words[step].split('\n').map(line => {
      var e = graph.terms[k], together = line.includes('together') ? ', together ' + digits(all.sums[k]) : '';
      return line.replace(/=\s\t[^\t]*\t\s×\s\f[^\f]*\f\s=\s[^=]*$/, '= \t' + digits(all.gradients[graph.edges[e][1]]) +
        '\t × \f' + bracketed(all.slopes[e]) + '\f = ' + digits(all.added[k++]) + together);
    }).join('\n');
    var leaves = [...nodes.keys()].filter(i => graph.work[i] === '' && graph.terms.some(e => graph.edges[e][0] === i));
    words[last] = words[last].replace(/=\s[^;]*/g, () => '= ' + digits(all.gradients[leaves.shift()]));
    control.again();
  }
  set(svg, {role: 'group'});  // a picture would hide the buttons in it
  nodes.forEach((group, i) => {
    if (graph.work[i] !== '') return;
    var rect = group.querySelector('rect'), pencil = texts(group)[0].cloneNode();
    var [x, y, width] = ['x', 'y', 'width'].map(side => +rect.getAttribute(side));
    group.appendChild(set(pencil, {x: x + width + 7, y: y + 7, 'font-size': 14, textLength: 11})).textContent = '✎';
    set(control.focusable(group), {tabindex: 0, role: 'button', cursor: 'pointer'});
    var label = () => set(group, {'aria-label': graph.names[i] + ' = ' + digits(known[i]) + ', change it'});
    function open() {
      var at = rect.getBoundingClientRect(), from = svg.getBoundingClientRect();
      var field = control.make('input', 'position:absolute;box-sizing:border-box;width:90px;text-align:center;left:' +
        ((at.left + at.right) / 2 - from.left - 45) + 'px;top:' + (at.top - from.top) + 'px;font:inherit', box);
      function end(keep) {
        var text = field.value.trim().replace('−', '-').replace(',', '.'), x = +text;
        field.onblur = null;
        field.remove();
        if (keep && text && isFinite(x) && x !== known[i]) { known[i] = x; label(); again(); }
      }
      set(control.focusable(field), {'aria-label': 'new value of ' + graph.names[i], value: known[i]}).select();
      field.onblur = () => end(true);
      field.onkeydown = event => {
        event.stopPropagation();  // the keys of the player are those of a field, too
        if (event.key === 'Enter' || event.key === 'Escape') { end(event.key === 'Enter'); group.focus(); }
      };
    }
    group.onclick = open;
    group.onkeydown = event => ['Enter', ' '].includes(event.key) && (event.preventDefault(), open());
    label();
  });
}
