// needs: grid, row_totals

// layer_norm, rms_norm and their gradients: x, y, dy, dx (rows, width), r (rows), row by row.
// CENTRED is true for layer_norm, whose rows lose their mean.
//
// LANES invocations share a row (lib/row_totals.wgsl): two or three passes over it, of which the
// later ones find it in the cache. About 8 operations for 8 to 12 bytes of device memory: bandwidth
// is the bound. Workgroup memory is 1 KB, which leaves occupancy to the registers (under 32).

override CENTRED: bool = true;

struct Rows {
    rows: u32,
    width: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> r: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Rows;

// y = (x - mean) r, r = 1 / sqrt(mean((x - mean)^2) + epsilon); rms_norm: mean is 0
@compute @workgroup_size(LANES, ROWS)
fn norm(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes.width;
    let width = select(0u, sizes.width, p.row < sizes.rows);
    var mean = 0.0;
    if (CENTRED) {
        var sum = Sum();
        for (var i = p.lane; i < width; i += LANES) {
            add_to(&sum, x[start + i]);
        }
        mean = row_total(p, sum) / f32(sizes.width);
    }
    var squares = Sum();
    for (var i = p.lane; i < width; i += LANES) {
        let from_mean = x[start + i] - mean;
        add_to(&squares, from_mean * from_mean);
    }
    let variance = row_total(p, squares) / f32(sizes.width);
    let scale = 1.0 / sqrt(variance + sizes.epsilon);
    for (var i = p.lane; i < width; i += LANES) {
        y[start + i] = (x[start + i] - mean) * scale;
    }
    if (p.row < sizes.rows && p.lane == 0u) {
        r[p.row] = scale;
    }
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> y_given: array<f32>;
@group(0) @binding(2) var<storage, read> r_given: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> sizes_dx: Rows;

// dx = r (dy - mean(dy) - y mean(dy y)); rms_norm: without mean(dy)
@compute @workgroup_size(LANES, ROWS)
fn norm_dx(at: Invocation) {
    let p = place(at);
    let start = p.row * sizes_dx.width;
    let width = select(0u, sizes_dx.width, p.row < sizes_dx.rows);
    var products = Sum();
    var slopes = Sum();
    for (var i = p.lane; i < width; i += LANES) {
        add_to(&products, dy[start + i] * y_given[start + i]);
        if (CENTRED) {
            add_to(&slopes, dy[start + i]);
        }
    }
    let along = row_total(p, products) / f32(sizes_dx.width);
    var mean = 0.0;
    if (CENTRED) {
        mean = row_total(p, slopes) / f32(sizes_dx.width);
    }
    if (p.row < sizes_dx.rows) {
        let scale = r_given[p.row];
        for (var i = p.lane; i < width; i += LANES) {
            dx[start + i] = (dy[start + i] - mean - y_given[start + i] * along) * scale;
        }
    }
}
