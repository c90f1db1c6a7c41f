// needs: grid, row_totals

// totals: y[s] = factor sum(x[first : first + count]) for each segment s of x: the second stage of
// a sum that is too long for one workgroup.
// squares: y[y_start + r] = sum(x^2) over the r-th piece of `width` vectors of x: its first stage.
//
// LANES invocations share a segment (lib/row_totals.wgsl). One operation for 4 bytes: bandwidth is
// the bound. Workgroup memory is 1 KB, which leaves occupancy to the registers (under 16).

@group(0) @binding(0) var<storage, read> x: array<f32>;

struct Segments {
    rows: u32,
    factor: f32,
}

// First cell and count of each segment.
@group(0) @binding(1) var<storage, read> segments: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Segments;

@compute @workgroup_size(LANES, ROWS)
fn totals(at: Invocation) {
    let p = place(at);
    var segment = vec2<u32>(0u, 0u);
    if (p.row < sizes.rows) {
        segment = segments[p.row];
    }
    var sum = Sum();
    for (var i = p.lane; i < segment.y; i += LANES) {
        add_to(&sum, x[segment.x + i]);
    }
    let whole = row_total(p, sum);
    if (p.row < sizes.rows && p.lane == 0u) {
        total[p.row] = whole * sizes.factor;
    }
}

struct Pieces {
    rows: u32,
    width: u32, // in vectors of 4 numbers; every buffer ends with a whole one
    count: u32, // of numbers
    y_start: u32,
}

@group(0) @binding(0) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> part: array<f32>;
@group(0) @binding(2) var<uniform> pieces: Pieces;

@compute @workgroup_size(LANES, ROWS)
fn squares(at: Invocation) {
    let p = place(at);
    let stop = min((p.row + 1u) * pieces.width, (pieces.count + 3u) / 4u);
    var sum = Sum();
    for (var i = p.row * pieces.width + p.lane; i < stop; i += LANES) {
        let inside = i * 4u + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(pieces.count);
        let numbers = select(vec4<f32>(0.0), vectors[i], inside);
        add_to(&sum, dot(numbers, numbers));
    }
    let whole = row_total(p, sum);
    if (p.row < pieces.rows && p.lane == 0u) {
        part[pieces.y_start + p.row] = whole;
    }
}
