// needs: grid, functions, row_totals

// loom_entmax, loom_entmax_dx: x, y, dy, dx (rows, width), row by row; the formulas stand in
// loom_core/graph/ops/loom_entmax.py.
//
// The k largest scores that its threshold rests on are those above sparsemax's own threshold, which
// is found by halving instead of sorting. LANES invocations share a row (lib/row_totals.wgsl) and
// pass over it some 40 times, in the cache: about 200 operations for 8 to 12 bytes of device
// memory. Workgroup memory is 1 KB, registers under 32.

const HALVINGS = 40u;

struct Rows {
    rows: u32,
    width: u32,
    alpha: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Rows;

// All of a row is seen from its largest score.
struct Row {
    start: u32,
    width: u32, // 0 beyond the last row
    most: f32,
    share: f32, // 1 / sum(exp(z))
    least: f32, // what the k largest lie above
    k: f32,
    tau: f32, // of the sparse part
}

fn measured(p: Place, rows: u32, all: u32) -> Row {
    var row = Row(p.row * all, select(0u, all, p.row < rows), LOWEST, 0.0, -1.0, 0.0, 0.0);
    for (var i = p.lane; i < row.width; i += LANES) {
        row.most = larger(row.most, x[row.start + i]);
    }
    row.most = row_largest(p, row.most);
    var powers = Sum();
    for (var i = p.lane; i < row.width; i += LANES) {
        add_to(&powers, exponential(x[row.start + i] - row.most));
    }
    row.share = 1.0 / row_total(p, powers);
    var high = -1.0 / f32(max(all, 1u));
    for (var round = 0u; round < HALVINGS; round++) {
        let middle = 0.5 * (row.least + high);
        var sum = Sum();
        for (var i = p.lane; i < row.width; i += LANES) {
            add_to(&sum, max(x[row.start + i] - row.most - middle, 0.0));
        }
        if (row_total(p, sum) >= 1.0) {
            row.least = middle;
        } else {
            high = middle;
        }
    }
    // The threshold at which exactly the scores above it sum to 1.
    var first = above_least(p, row);
    row.least = (first.x - 1.0) / first.y;
    first = above_least(p, row);
    row.k = first.y;
    row.tau = (2.0 * first.x - 1.0) / first.y + row.most;
    return row;
}

// Sum and count of the scores above the row's threshold.
fn above_least(p: Place, row: Row) -> vec2<f32> {
    var sum = Sum();
    var count = Sum();
    for (var i = p.lane; i < row.width; i += LANES) {
        let z = x[row.start + i] - row.most;
        if (z > row.least) {
            add_to(&sum, z);
            add_to(&count, 1.0);
        }
    }
    let total = row_total(p, sum);
    return vec2<f32>(total, row_total(p, count));
}

fn soft(row: Row, i: u32) -> f32 { return exponential(x[row.start + i] - row.most) * row.share; }

fn sparse(row: Row, i: u32) -> f32 {
    let above = x[row.start + i] - row.most - row.tau;
    return select(above, 0.0, above < 0.0);
}

fn mixed(row: Row, i: u32, alpha: f32) -> f32 {
    return (2.0 - alpha) * soft(row, i) + (alpha - 1.0) * sparse(row, i);
}

// y = max(0, x - tau) for alpha 2, else its blend with softmax, scaled to sum 1
@compute @workgroup_size(LANES, ROWS)
fn loom_entmax(at: Invocation) {
    let p = place(at);
    let row = measured(p, sizes.rows, sizes.width);
    var sum = Sum();
    for (var i = p.lane; i < row.width; i += LANES) {
        let value = mixed(row, i, sizes.alpha);
        y[row.start + i] = value;
        add_to(&sum, value);
    }
    let total = row_total(p, sum);
    if (sizes.alpha != 2.0) {
        for (var i = p.lane; i < row.width; i += LANES) {
            y[row.start + i] /= total;
        }
    }
}

@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> sizes_dx: Rows;

// The true gradient, ties aside; dx holds the gradient of the blend for a while.
@compute @workgroup_size(LANES, ROWS)
fn loom_entmax_dx(at: Invocation) {
    let p = place(at);
    let alpha = sizes_dx.alpha;
    let row = measured(p, sizes_dx.rows, sizes_dx.width);
    var masses = Sum();
    var products = Sum();
    for (var i = p.lane; i < row.width; i += LANES) {
        let value = mixed(row, i, alpha);
        add_to(&masses, value);
        add_to(&products, dy[row.start + i] * value);
    }
    var mass = row_total(p, masses);
    var along = row_total(p, products) / mass;
    if (alpha == 2.0) { // no scaling
        mass = 1.0;
        along = 0.0;
    }
    var soft_products = Sum();
    var inside = Sum();
    for (var i = p.lane; i < row.width; i += LANES) {
        let slope = (dy[row.start + i] - along) / mass;
        dx[row.start + i] = slope;
        add_to(&soft_products, slope * soft(row, i));
        if (sparse(row, i) > 0.0) {
            add_to(&inside, slope);
        }
    }
    let soft_along = row_total(p, soft_products);
    let d_tau = 2.0 * row_total(p, inside) / row.k;
    for (var i = p.lane; i < row.width; i += LANES) {
        let slope = dx[row.start + i];
        let d_soft = soft(row, i) * (slope - soft_along);
        var d_sparse = select(0.0, slope, sparse(row, i) > 0.0);
        if (x[row.start + i] - row.most > row.least) {
            d_sparse -= d_tau;
        }
        dx[row.start + i] = (2.0 - alpha) * d_soft + (alpha - 1.0) * d_sparse;
    }
}
