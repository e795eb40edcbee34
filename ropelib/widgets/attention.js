// The attention of chapter 02, as ropelib.worked_example defines it.

// θ_i = base^(−2i/head_dim)
export function inverseFrequencies(head_dim, base) {
  return Array.from({ length: head_dim / 2 }, (_, pair) => base ** ((-2 * pair) / head_dim));
}

// Each of vectors: seq rows of head_dim numbers. Feature i turns with feature i + head_dim/2.
export function rotate(vectors, seq, head_dim, base) {
  const [half, inv_freq] = [head_dim / 2, inverseFrequencies(head_dim, base)];
  const turned = vectors.map(() => new Float64Array(seq * head_dim));
  for (let position = 0; position < seq; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * inv_freq[pair];
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      const a = position * head_dim + pair;
      const b = a + half;
      vectors.forEach((x, which) => {
        turned[which][a] = x[a] * cos - x[b] * sin;
        turned[which][b] = x[a] * sin + x[b] * cos;
      });
    }
  }
  return turned;
}

function dot(q, k, from, to, head_dim) {
  let sum = 0;
  for (let i = 0; i < head_dim; i++) sum += q[from + i] * k[to + i];
  return sum;
}

export function attention(q, k, seq, head_dim, causal) {
  const [scores, weights] = [new Float64Array(seq * seq), new Float64Array(seq * seq)];
  for (let row = 0; row < seq; row++) {
    const visible = causal ? row + 1 : seq;
    let [largest, total] = [-Infinity, 0];
    for (let column = 0; column < seq; column++) {
      const score = dot(q, k, row * head_dim, column * head_dim, head_dim);
      scores[row * seq + column] = score;
      if (column < visible) largest = Math.max(largest, score / Math.sqrt(head_dim));
    }
    for (let column = 0; column < visible; column++) {
      const value = Math.exp(scores[row * seq + column] / Math.sqrt(head_dim) - largest);
      weights[row * seq + column] = value;
      total += value;
    }
    for (let column = 0; column < visible; column++) weights[row * seq + column] /= total;
  }
  return { q, k, scores, weights };
}

// plain: attention without positions, where it is known already, since no base changes it
export function compare(q, k, seq, head_dim, base, causal, plain = attention(q, k, seq, head_dim, causal)) {
  const [turnedQ, turnedK] = rotate([q, k], seq, head_dim, base);
  const rope = attention(turnedQ, turnedK, seq, head_dim, causal);
  return { rope, plain, change: rope.weights.map((weight, index) => weight - plain.weights[index]) };
}

// The features of the dot product in order: all, or of many the most that weigh, and the sum of the others.
export function termsOf(a, b, most) {
  const terms = Array.from(a, (value, feature) => ({ feature, a: value, b: b[feature], product: value * b[feature] }));
  if (terms.length <= most) return { terms, others: 0 };
  const bySize = [...terms].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
  const others = bySize.slice(most).reduce((sum, { product }) => sum + product, 0);
  return { terms: bySize.slice(0, most).sort((one, other) => one.feature - other.feature), others };
}

