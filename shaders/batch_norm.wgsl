// needs: grid, row_totals

// batch_norm and its gradient: x, y, dy, dx (outer, channels, inner), and a number a channel.
//
// LANES invocations share a channel (lib/row_totals.wgsl) as if its cells were a row: three passes
// over it, of which the later ones find it in the cache where it is not too long. About 8
// operations for 8 to 12 bytes of device memory: bandwidth is the bound, and with few channels the
// few workgroups are. Workgroup memory is 1 KB, which leaves occupancy to the registers (under 32).

struct Sizes {
    outer: u32,
    channels: u32,
    inner: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> r: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;
@group(0) @binding(4) var<storage, read_write> variances: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

// Where cell i of a channel lies.
fn cell(s: Sizes, channel: u32, i: u32) -> u32 {
    let o = i / s.inner;
    return (o * s.channels + channel) * s.inner + (i - o * s.inner);
}

// Cells of a channel; none for the invocations beyond the last channel.
fn cells(s: Sizes, channel: u32) -> u32 {
    return select(0u, s.outer * s.inner, channel < s.channels);
}

// y = (x - mean) r, r = 1 / sqrt(mean((x - mean)^2) + epsilon); the variance has n - 1
@compute @workgroup_size(LANES, ROWS)
fn batch_norm(at: Invocation) {
    let p = place(at);
    let count = cells(sizes, p.row);
    let all = f32(sizes.outer * sizes.inner);
    var sum = Sum();
    for (var i = p.lane; i < count; i += LANES) {
        add_to(&sum, x[cell(sizes, p.row, i)]);
    }
    let shift = row_total(p, sum) / all;
    var squares = Sum();
    var rests = Sum();
    for (var i = p.lane; i < count; i += LANES) {
        let from_shift = x[cell(sizes, p.row, i)] - shift;
        add_to(&squares, from_shift * from_shift);
        add_to(&rests, from_shift);
    }
    // What the rounding of a mean leaves is not small beside a large one.
    let rest = row_total(p, rests) / all;
    let from_mean = row_total(p, squares) - all * rest * rest;
    let square = select(from_mean, 0.0, from_mean < 0.0);
    let scale = 1.0 / sqrt(square / all + sizes.epsilon);
    for (var i = p.lane; i < count; i += LANES) {
        let here = cell(sizes, p.row, i);
        y[here] = (x[here] - shift - rest) * scale;
    }
    if (p.row < sizes.channels && p.lane == 0u) {
        r[p.row] = scale;
        means[p.row] = shift + rest;
        variances[p.row] = square / max(all - 1.0, 1.0);
    }
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> y_given: array<f32>;
@group(0) @binding(2) var<storage, read> r_given: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> sizes_dx: Sizes;

// dx = r (dy - mean(dy) - y mean(dy y))
@compute @workgroup_size(LANES, ROWS)
fn batch_norm_dx(at: Invocation) {
    let p = place(at);
    let count = cells(sizes_dx, p.row);
    let all = f32(sizes_dx.outer * sizes_dx.inner);
    var products = Sum();
    var slopes = Sum();
    for (var i = p.lane; i < count; i += LANES) {
        let here = cell(sizes_dx, p.row, i);
        add_to(&products, dy[here] * y_given[here]);
        add_to(&slopes, dy[here]);
    }
    let along = row_total(p, products) / all;
    let mean = row_total(p, slopes) / all;
    if (p.row < sizes_dx.channels) {
        let scale = r_given[p.row];
        for (var i = p.lane; i < count; i += LANES) {
            let here = cell(sizes_dx, p.row, i);
            dx[here] = (dy[here] - mean - y_given[here] * along) * scale;
        }
    }
}
