// needs: grid, functions, row_totals

// entmax, entmax_dx: x, y, dy, dx (rows, width), row by row. Source: Peters, Niculae and Martins
// 2019.
//
// LANES invocations share a row (lib/row_totals.wgsl) and halve the interval of its threshold 40
// times, each with a pass over the row, which the cache holds: some 1000 operations for 8 bytes of
// device memory, so arithmetic is the bound. Workgroup memory is 1 KB, registers under 32.

// For alpha near 1 the powers are high, and the threshold lies near -1: it is then counted from
// there, and what is raised to the power is 1 + a small number, without a loss of digits.
override NEARLY_SOFTMAX: bool = false;

const HALVINGS = 40u;

struct Rows {
    rows: u32,
    width: u32,
    excess: f32, // alpha - 1
    temperature: f32,
    low: f32, // of the threshold
    high: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Rows;

fn score(cell: u32) -> f32 { return sizes.excess * (x[cell] / sizes.temperature); }

// max(0, above)^(1 / excess); comparisons that let a NaN through.
fn weight(above: f32) -> f32 {
    if (NEARLY_SOFTMAX) {
        if (above <= -1.0) {
            return 0.0;
        }
        return exponential(logarithm_of_1_plus(above) / sizes.excess);
    }
    if (above <= 0.0) {
        return 0.0;
    }
    if (sizes.excess == 1.0) {
        return above;
    }
    return exponential(logarithm(above) / sizes.excess);
}

// y = w / sum(w), w = max(0, z - tau)^(1 / (alpha - 1)), z = (alpha - 1) x / T, sum(w) = 1
@compute @workgroup_size(LANES, ROWS)
fn entmax(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes.width;
    let width = select(0u, sizes.width, p.row < sizes.rows);
    var most = LOWEST;
    for (var i = p.lane; i < width; i += LANES) {
        most = larger(most, score(start + i));
    }
    most = row_largest(p, most);
    var low = sizes.low;
    var high = sizes.high;
    for (var round = 0u; round < HALVINGS; round++) {
        let tau = 0.5 * (low + high);
        var sum = Sum();
        for (var i = p.lane; i < width; i += LANES) {
            add_to(&sum, weight(score(start + i) - most - tau));
        }
        if (row_total(p, sum) >= 1.0) {
            low = tau;
        } else {
            high = tau;
        }
    }
    let tau = 0.5 * (low + high);
    var sum = Sum();
    for (var i = p.lane; i < width; i += LANES) {
        let w = weight(score(start + i) - most - tau);
        y[start + i] = w;
        add_to(&sum, w);
    }
    let share = 1.0 / row_total(p, sum);
    for (var i = p.lane; i < width; i += LANES) {
        y[start + i] *= share;
    }
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> y_given: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> sizes_dx: Rows;

// y^(2 - alpha) where y is above 0, else 0
fn slope(value: f32) -> f32 {
    if (value <= 0.0) {
        return 0.0;
    }
    return power_of_positive(value, 1.0 - sizes_dx.excess);
}

// dx = s (dy - sum(dy s) / sum(s)) / T with the slopes s
@compute @workgroup_size(LANES, ROWS)
fn entmax_dx(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes_dx.width;
    let width = select(0u, sizes_dx.width, p.row < sizes_dx.rows);
    var products = Sum();
    var slopes = Sum();
    for (var i = p.lane; i < width; i += LANES) {
        let s = slope(y_given[start + i]);
        dx[start + i] = s;
        add_to(&products, dy[start + i] * s);
        add_to(&slopes, s);
    }
    let product = row_total(p, products);
    let along = product / row_total(p, slopes);
    for (var i = p.lane; i < width; i += LANES) {
        dx[start + i] *= (dy[start + i] - along) / sizes_dx.temperature;
    }
}
