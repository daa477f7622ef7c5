// Where values lie along an axis, and the ticks beside it.

const span = (low, high, room) => (low === high ? [low - room, high + room] : [low, high]);

function padded(low, high, log) {
  if (log) return low === high ? [low / 1.5, high * 1.5] : [low / (high / low) ** 0.05, high * (high / low) ** 0.05];
  const room = (high - low) * 0.05 || Math.abs(low) * 0.05 || 0.5;
  return [low - room, high + room];
}

function scale(domain, [from, to], log) {
  const on = log ? Math.log10 : (value) => value;
  const [low, high] = domain.map(on);
  const place = (value) => from + ((on(value) - low) / (high - low)) * (to - from);
  place.domain = domain;
  place.ticks = (about) => (log ? logTicks(domain) : linearTicks(domain, about));
  const step = log ? 0 : place.ticks(5)[1] - place.ticks(5)[0];
  const decimals = step > 0 ? Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) : 0;
  place.label = (tick) =>
    log || decimals > 4 || Math.abs(tick) >= 1e5
      ? short(tick)
          .replace(/(\.\d*?)0+$/, "$1")
          .replace(/\.$/, "")
      : tick.toFixed(decimals).replace("-", "\u2212");
  return place;
}

function linearTicks([low, high], about) {
  const rough = (high - low) / about;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * [1, 2, 5, 10].find((times) => times * size >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) ticks.push(i * step);
  return ticks;
}

function logTicks([low, high]) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) powers.push(power);
  const every = Math.ceil(powers.length / 6);
  const steps = powers.length <= 2 ? [1, 2, 5] : powers.length <= 3 ? [1, 3] : [1];
  const ticks = powers
    .filter((power) => power % every === 0)
    .flatMap((power) => steps.map((times) => times * 10 ** power))
    .filter((tick) => tick >= low && tick <= high);
  return ticks.length > 1 ? ticks : linearTicks([low, high], 4);
}

// whole epochs where there are three or more
function epochTicks(xs, most) {
  const [first, last] = [xs[0], xs[xs.length - 1]];
  if (first === last) return [first];
  if (last < 3) return xs.length <= most ? xs : linearTicks([first, last], most);
  const step =
    [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find((own) => (last - first) / own <= most) ?? (last - first) / most;
  const ticks = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks;
}
