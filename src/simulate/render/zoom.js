// The chart that can be zoomed: load and the ready capacity of each policy, drawn on a canvas from numbers in the page.
// Loads nothing, stores nothing. Without it, and on paper, the page shows the picture that it replaces.
(() => {
  'use strict';
  const box = document.getElementById('zoom');
  const data = JSON.parse(document.getElementById('zoom-data').textContent);
  const canvas = box.querySelector('canvas');
  const output = box.querySelector('output');
  const pen = canvas.getContext('2d');
  if (!pen) return;
  const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';
  const digit = new Uint8Array(128);
  [...LETTERS].forEach((letter, i) => { digit[letter.charCodeAt(0)] = i; });
  const number = (text, i) => {
    const n = digit[text.charCodeAt(i)] * 64 + digit[text.charCodeAt(i + 1)];
    return n === 4095 ? NaN : n / 4094 * data.most;
  };
  // Four letters a column: its least and its most.
  const decode = (text) => {
    const low = [], high = [];
    for (let i = 0; i < text.length; i += 4) { low.push(number(text, i)); high.push(number(text, i + 2)); }
    return { low, high };
  };
  const load = decode(data.load);
  const band = data.forecast && decode(data.forecast);
  const runs = data.runs.map((run) => ({ ...run, ...decode(run.capacity) }));
  const n = load.low.length, LEAST = Math.min(n, 24);
  let from = 0, to = n, select = null, pan = null;
  const LEFT = 46, RIGHT = 8, TOP = 8, AXIS = 22, LANE = 15;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const shown = (name) => box.querySelector(`input[value="${name}"]`)?.checked;
  const visible = () => runs.filter((run, i) => shown('run' + i));
  const short = (v) => v >= 1e9 ? +(v / 1e9).toPrecision(3) + 'G' : v >= 1e6 ? +(v / 1e6).toPrecision(3) + 'M'
    : v >= 1e3 ? +(v / 1e3).toPrecision(3) + 'k' : String(+v.toPrecision(3));
  const instant = (column) => new Date((data.from + column * data.step) * 1000);
  const two = (v) => String(v).padStart(2, '0');
  const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const date = (d) => `${DAYS[d.getUTCDay()]} ${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
  const day = (d, spacing) => spacing < 604800 ? `${DAYS[d.getUTCDay()]} ${d.getUTCDate()}` : `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
  const time = (d) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;

  let width, height, bottom;
  const x = (column) => LEFT + (column - from) / (to - from) * (width - LEFT - RIGHT);
  const column = (px) => from + (px - LEFT) / (width - LEFT - RIGHT) * (to - from);

  const marks = (most, count) => {
    const rough = most / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((s) => s * power).find((s) => s >= rough);
    return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => i * step);
  };

  function path(line, y, steps) {
    pen.beginPath();
    let last = null;
    for (let i = Math.max(0, Math.floor(from)); i < Math.min(n, Math.ceil(to) + 1); i++) {
      if (!(line.low[i] <= line.high[i])) continue;
      const ends = [y(line.low[i]), y(line.high[i])];
      if (last !== null && Math.abs(ends[1] - last) < Math.abs(ends[0] - last)) ends.reverse();
      if (steps && last !== null) pen.lineTo(x(i), last);
      for (const end of ends) { pen.lineTo(x(i), end); last = end; }
    }
    if (steps && last !== null) pen.lineTo(x(Math.min(n, to)), last);
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const lanes = visible();
    width = box.clientWidth;
    height = Math.round(Math.min(380, Math.max(230, width * 0.36))) + lanes.length * LANE;
    canvas.style.height = height + 'px';
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = '12px system-ui, sans-serif';
    bottom = height - AXIS - lanes.length * LANE;

    let most = 0;
    for (let i = Math.max(0, Math.floor(from)); i < Math.min(n, to); i++) {
      for (const line of [load, ...lanes]) if (line.high[i] > most) most = line.high[i];
      if (band && shown('forecast') && band.high[i] > most) most = band.high[i];
    }
    most = (most || 1) * 1.04;
    const y = (value) => bottom - Math.min(1, Math.max(0, value / most)) * (bottom - TOP);

    pen.strokeStyle = colour('--grid'); pen.fillStyle = colour('--ink'); pen.lineWidth = 1;
    pen.textBaseline = 'middle'; pen.textAlign = 'right';
    for (const mark of marks(most, 5)) {
      pen.beginPath(); pen.moveTo(LEFT, y(mark)); pen.lineTo(width - RIGHT, y(mark)); pen.stroke();
      pen.fillText(short(mark), LEFT - 6, y(mark));
    }
    pen.textBaseline = 'top'; pen.textAlign = 'center';
    const seconds = (to - from) * data.step, room = Math.max(2, Math.floor((width - LEFT) / 70));
    const spacings = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000,
      7776000];
    const spacing = spacings.find((s) => seconds / s <= room) || 31536000;
    const phase = spacing % 604800 === 0 ? 345600 : 0;
    const start = data.from + from * data.step;
    for (let s = Math.ceil((start - phase) / spacing) * spacing + phase; s <= start + seconds; s += spacing) {
      const d = new Date(s * 1000), px = x((s - data.from) / data.step);
      const label = spacing >= 86400 || s % 86400 === 0 ? day(d, spacing) : spacing < 60 ? time(d) + ':' + two(d.getUTCSeconds()) : time(d);
      const half = pen.measureText(label).width / 2;
      pen.beginPath(); pen.moveTo(px, TOP); pen.lineTo(px, bottom); pen.stroke();
      pen.fillText(label, Math.min(Math.max(px, half), width - half), height - AXIS + 5);
    }

    pen.save();
    pen.beginPath(); pen.rect(LEFT, 0, width - LEFT - RIGHT, height); pen.clip();
    if (band && shown('forecast')) {
      pen.fillStyle = colour('--forecast'); pen.globalAlpha = 0.25;
      for (let i = Math.max(0, Math.floor(from)); i < Math.min(n, to); i++) {
        if (band.low[i] <= band.high[i]) {
          pen.fillRect(x(i), y(band.high[i]), x(i + 1) - x(i) + 0.3, y(band.low[i]) - y(band.high[i]));
        }
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = colour('--forecast'); pen.lineWidth = 1;
      path({ low: band.high, high: band.high }, y, false); pen.stroke();
    }
    for (const run of lanes) {
      pen.strokeStyle = colour(run.colour); pen.lineWidth = run.own ? 2 : 1.4;
      path(run, y, true);
      pen.stroke();
      if (run.own) {
        pen.lineTo(x(Math.min(n, to)), bottom); pen.lineTo(x(Math.max(0, Math.floor(from))), bottom);
        pen.globalAlpha = 0.12; pen.fillStyle = colour(run.colour); pen.fill(); pen.globalAlpha = 1;
      }
    }
    pen.strokeStyle = colour('--load'); pen.lineWidth = 1.5;
    path(load, y, false); pen.stroke();

    pen.textBaseline = 'middle'; pen.textAlign = 'left'; pen.font = '10.5px system-ui, sans-serif';
    lanes.forEach((run, lane) => {
      const top = bottom + 3 + lane * LANE;
      pen.fillStyle = colour('--grid'); pen.fillRect(LEFT, top, width, LANE - 3);
      pen.fillStyle = colour('--short');
      for (let i = 0; i < run.short.length; i += 2) {
        const a = x(run.short[i]), b = x(run.short[i] + run.short[i + 1]);
        if (b >= LEFT && a <= width) pen.fillRect(a, top, Math.max(1.5, b - a), LANE - 3);
      }
      pen.strokeStyle = colour('--grid'); pen.lineWidth = 3; pen.lineJoin = 'round';
      pen.strokeText(run.name + ' short', LEFT + 4, top + LANE / 2 - 1);
      pen.fillStyle = colour('--soft'); pen.fillText(run.name + ' short', LEFT + 4, top + LANE / 2 - 1);
    });
    if (select) {
      pen.fillStyle = colour('--load'); pen.globalAlpha = 0.15;
      pen.fillRect(Math.min(...select), TOP, Math.abs(select[1] - select[0]), bottom - TOP);
      pen.globalAlpha = 1;
    }
    pen.restore();
  }

  let asked = false;
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
  function show(a, b) {
    const length = Math.min(n, Math.max(LEAST, b - a));
    from = Math.min(Math.max(0, (a + b - length) / 2), n - length);
    to = from + length;
    redraw();
  }
  const zoom = (factor, middle = (from + to) / 2) => show(middle - (middle - from) * factor, middle + (to - middle) * factor);
  const move = (share) => show(from + (to - from) * share, to + (to - from) * share);

  function tell(px) {
    const i = Math.floor(column(px));
    if (i < 0 || i >= n) return;
    const d = instant(i);
    const parts = [`load ${short(load.high[i])}`];
    if (band && shown('forecast') && band.high[i] >= 0) parts.push(`forecast up to ${short(band.high[i])}`);
    for (const run of visible()) {
      if (run.high[i] >= 0) parts.push(`${run.name} ${short(run.low[i])} (${Math.round(run.low[i] / data.replica)} ready)`);
    }
    output.textContent = `${date(d)} ${time(d)} · ${parts.join(' · ')}`;
  }

  canvas.addEventListener('pointerdown', (e) => {
    canvas.setPointerCapture(e.pointerId);
    if (e.pointerType === 'mouse' && !e.shiftKey) select = [e.offsetX, e.offsetX];
    else pan = { x: e.offsetX, from, to };
  });
  canvas.addEventListener('pointermove', (e) => {
    tell(e.offsetX);
    if (select) { select[1] = e.offsetX; redraw(); }
    if (pan) {
      const by = (pan.x - e.offsetX) / (width - LEFT - RIGHT) * (pan.to - pan.from);
      show(pan.from + by, pan.to + by);
    }
  });
  const release = () => {
    const [a, b] = select ? select.map(column).sort((p, q) => p - q) : [0, 0];
    const wide = select && Math.abs(select[1] - select[0]) > 6;
    select = pan = null;
    if (wide) show(a, b); else redraw();
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', () => { select = pan = null; redraw(); });
  canvas.addEventListener('dblclick', () => show(0, n));
  canvas.addEventListener('wheel', (e) => {
    if (e.ctrlKey || e.metaKey) zoom(e.deltaY > 0 ? 1.25 : 0.8, column(e.offsetX));
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) move((e.deltaX || e.deltaY) / 800);
    else return;
    e.preventDefault();
  }, { passive: false });
  canvas.addEventListener('keydown', (e) => {
    const act = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), '+': () => zoom(0.5), '-': () => zoom(2), Escape: () => show(0, n) }[e.key];
    if (act) { act(); e.preventDefault(); }
  });
  const acts = { whole: () => show(0, n), in: () => zoom(0.5), out: () => zoom(2), left: () => move(-0.5), right: () => move(0.5) };
  for (const button of box.querySelectorAll('button')) button.addEventListener('click', acts[button.value]);
  for (const input of box.querySelectorAll('input')) input.addEventListener('change', redraw);
  window.addEventListener('resize', redraw);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  if (window.matchMedia('(pointer: coarse)').matches) output.textContent = 'Drag to move; + and − zoom.';
  document.documentElement.classList.add('live');
  draw();
})();
