// needs: grid, functions, row_totals

// softmax, softmax_dx: x, y, dy, dx (rows, width), row by row.
//
// LANES invocations share a row (lib/row_totals.wgsl): three passes over it, of which the later
// ones find it in the cache. About 30 operations for 8 bytes of device memory: bandwidth is the
// bound. Workgroup memory is 1 KB, which leaves occupancy to the registers (under 32).

struct Rows {
    rows: u32,
    width: u32,
    steps: u32, // causal: row t of (steps, width) sees the columns up to t + width - steps; or 0
    temperature: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Rows;

fn seen(row: u32) -> u32 {
    if (row >= sizes.rows) {
        return 0u;
    }
    if (sizes.steps == 0u) {
        return sizes.width;
    }
    return row % sizes.steps + 1u + sizes.width - sizes.steps;
}

// y = exp((x - max) / T) / sum of these
@compute @workgroup_size(LANES, ROWS)
fn softmax(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes.width;
    let visible = seen(p.row);
    var most = LOWEST;
    for (var i = p.lane; i < visible; i += LANES) {
        most = larger(most, x[start + i]);
    }
    most = row_largest(p, most);
    var sum = Sum();
    for (var i = p.lane; i < visible; i += LANES) {
        let e = exponential((x[start + i] - most) / sizes.temperature);
        y[start + i] = e;
        add_to(&sum, e);
    }
    let share = 1.0 / row_total(p, sum);
    for (var i = p.lane; i < visible; i += LANES) {
        y[start + i] *= share;
    }
    if (p.row < sizes.rows && sizes.steps > 0u) {
        for (var i = visible + p.lane; i < sizes.width; i += LANES) {
            y[start + i] = 0.0;
        }
    }
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> y_given: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> sizes_dx: Rows;

// dx = y (dy - sum(dy y)) / T
@compute @workgroup_size(LANES, ROWS)
fn softmax_dx(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes_dx.width;
    let width = select(0u, sizes_dx.width, p.row < sizes_dx.rows);
    var sum = Sum();
    for (var i = p.lane; i < width; i += LANES) {
        add_to(&sum, dy[start + i] * y_given[start + i]);
    }
    let along = row_total(p, sum);
    for (var i = p.lane; i < width; i += LANES) {
        dx[start + i] = (dy[start + i] - along) * y_given[start + i] / sizes_dx.temperature;
    }
}
