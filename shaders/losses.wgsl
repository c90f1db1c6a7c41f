// needs: grid, functions, row_totals

// mse, cross_entropy, softmax_cross_entropy: prediction, target and gradient (rows, width), and a
// part of the loss for each row; totals.wgsl adds the parts. The first two go cell by cell: their
// rows are pieces of the array, cut so that there is work for the device.
//
// LANES invocations share a row (lib/row_totals.wgsl). 4 to 60 operations for 12 bytes of device
// memory: bandwidth is the bound, nearly so for the logarithm. Workgroup memory is 1 KB, which
// leaves occupancy to the registers (under 32).

struct Pieces {
    rows: u32,
    width: u32,
    count: u32, // cells of the array, whose last row may be short
    scale: f32, // of the gradient
    temperature: f32,
}

@group(0) @binding(0) var<storage, read> given: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> slope: array<f32>;
@group(0) @binding(3) var<storage, read_write> part: array<f32>;
@group(0) @binding(4) var<uniform> pieces: Pieces;

fn start_of(row: u32) -> u32 { return min(row * pieces.width, pieces.count); }

fn put(p: Place, value: f32) {
    if (p.row < pieces.rows && p.lane == 0u) {
        part[p.row] = value;
    }
}

// part = sum((y - t)^2), dy = scale (y - t)
@compute @workgroup_size(LANES, ROWS)
fn mse(at: Invocation) {
    let p = place(at);
    let stop = start_of(p.row + 1u);
    var sum = Sum();
    for (var i = start_of(p.row) + p.lane; i < stop; i += LANES) {
        let d = given[i] - t[i];
        slope[i] = d * pieces.scale;
        add_to(&sum, d * d);
    }
    put(p, row_total(p, sum));
}

// Below this probability the loss goes on as its tangent; loom_core/graph/ops/losses.py says why.
const PROBABILITY_FLOOR: f32 = 1e-7;

// part = sum(t (ln(safe) + (p - safe) / floor)), safe = max(p, floor); dp = scale t / safe
@compute @workgroup_size(LANES, ROWS)
fn cross_entropy(at: Invocation) {
    let p = place(at);
    let stop = start_of(p.row + 1u);
    var sum = Sum();
    for (var i = start_of(p.row) + p.lane; i < stop; i += LANES) {
        let probability = given[i];
        let safe = select(probability, PROBABILITY_FLOOR, probability < PROBABILITY_FLOOR);
        slope[i] = t[i] / safe * pieces.scale;
        add_to(&sum, t[i] * (logarithm(safe) + (probability - safe) / PROBABILITY_FLOOR));
    }
    put(p, row_total(p, sum));
}

// part = sum(t) ln(sum(e)) - sum(t s), dz = scale (e sum(t) / sum(e) - t), with the scores
// s = (z - max) / T and e = exp(s)
@compute @workgroup_size(LANES, ROWS)
fn softmax_cross_entropy(at: Invocation) {
    let p = place(at);
    let start = start_of(p.row) + p.lane;
    let stop = start_of(p.row + 1u);
    var most = LOWEST;
    for (var i = start; i < stop; i += LANES) {
        most = larger(most, given[i]);
    }
    most = row_largest(p, most);
    var scores = Sum();
    var targets = Sum();
    var powers = Sum();
    for (var i = start; i < stop; i += LANES) {
        let s = (given[i] - most) / pieces.temperature;
        let e = exponential(s);
        slope[i] = e;
        add_to(&scores, t[i] * s);
        add_to(&targets, t[i]);
        add_to(&powers, e);
    }
    let score = row_total(p, scores);
    let mass = row_total(p, targets);
    let power = row_total(p, powers);
    let share = mass / power;
    for (var i = start; i < stop; i += LANES) {
        slope[i] = (slope[i] * share - t[i]) * pieces.scale;
    }
    put(p, mass * logarithm(power) - score);
}
