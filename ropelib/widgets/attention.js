// The attention of chapter 02, as ropelib.worked_example defines it.

// θ_i = base^(−2i/head_dim)
export function inverseFrequencies(head_dim, base) {
  return Array.from({ length: head_dim / 2 }, (_, pair) => base ** ((-2 * pair) / head_dim));
}

// vectors: q and k, seq rows of head_dim numbers each. Feature i turns with feature i + head_dim/2.
export function rotate(vectors, seq, head_dim, base, turned = vectors.map(() => new Float64Array(seq * head_dim))) {
  const [[q, k], [turnedQ, turnedK]] = [vectors, turned];
  const [half, inv_freq] = [head_dim / 2, inverseFrequencies(head_dim, base)];
  for (let position = 0; position < seq; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * inv_freq[pair];
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      const a = position * head_dim + pair;
      const b = a + half;
      turnedQ[a] = q[a] * cos - q[b] * sin;
      turnedQ[b] = q[a] * sin + q[b] * cos;
      turnedK[a] = k[a] * cos - k[b] * sin;
      turnedK[b] = k[a] * sin + k[b] * cos;
    }
  }
  return turned;
}

function dot(q, k, from, to, head_dim) {
  let sum = 0;
  for (let i = 0; i < head_dim; i++) sum += q[from + i] * k[to + i];
  return sum;
}

// Every query with every key, four keys at a time: four sums, none of which waits for another.
function products(q, k, seq, head_dim, scores) {
  for (let row = 0; row < seq; row++) {
    let at = row * seq;
    for (const end = at + seq - (seq % 4); at < end; at += 4) {
      const first = (at - row * seq) * head_dim;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < head_dim; i++) {
        const value = q[row * head_dim + i];
        const to = first + i;
        a += value * k[to];
        b += value * k[to + head_dim];
        c += value * k[to + 2 * head_dim];
        d += value * k[to + 3 * head_dim];
      }
      scores[at] = a;
      scores[at + 1] = b;
      scores[at + 2] = c;
      scores[at + 3] = d;
    }
    for (; at < (row + 1) * seq; at++) {
      scores[at] = dot(q, k, row * head_dim, (at - row * seq) * head_dim, head_dim);
    }
  }
}

// room: an earlier result, whose arrays of scores and weights are written over.
export function attention(q, k, seq, head_dim, causal, room = {}) {
  const { scores = new Float64Array(seq * seq), weights = new Float64Array(seq * seq) } = room;
  const scale = Math.sqrt(head_dim);
  products(q, k, seq, head_dim, scores);
  for (let row = 0; row < seq; row++) {
    const first = row * seq;
    const end = first + (causal ? row + 1 : seq);
    let largest = -Infinity;
    let total = 0;
    for (let at = first; at < end; at++) if (scores[at] > largest) largest = scores[at];
    for (let at = first; at < end; at++) {
      weights[at] = Math.exp((scores[at] - largest) / scale);
      total += weights[at];
    }
    for (let at = first; at < end; at++) weights[at] /= total;
    weights.fill(0, end, first + seq);
  }
  return { q, k, scores, weights };
}

// before: the result for another base, all else being the same. Its arrays are used again: a fresh set at every step
// of the slider would be garbage to collect, and attention without positions is the same for every base.
export function compare(q, k, seq, head_dim, base, causal, before) {
  const plain = before?.plain ?? attention(q, k, seq, head_dim, causal);
  const [turnedQ, turnedK] = rotate([q, k], seq, head_dim, base, before && [before.rope.q, before.rope.k]);
  const rope = attention(turnedQ, turnedK, seq, head_dim, causal, before?.rope);
  const change = before?.change ?? new Float64Array(seq * seq);
  for (let at = 0; at < change.length; at++) change[at] = rope.weights[at] - plain.weights[at];
  return { rope, plain, change };
}

// The features of the dot product in order: all, or of many the most that weigh, and the sum of the others.
export function termsOf(a, b, most) {
  const terms = Array.from(a, (value, feature) => ({ feature, a: value, b: b[feature], product: value * b[feature] }));
  if (terms.length <= most) return { terms, others: 0 };
  const bySize = [...terms].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
  const others = bySize.slice(most).reduce((sum, { product }) => sum + product, 0);
  return { terms: bySize.slice(0, most).sort((one, other) => one.feature - other.feature), others };
}

