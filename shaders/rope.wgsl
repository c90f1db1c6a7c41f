// needs: grid

// rope: x, y (batch, steps, heads, D) turned in pairs (k, k + D/2) by the angles of their step; an
// odd D leaves the last number as it is. turns (steps, D/2): cosine and sine of each angle, from
// the host, where they are exact for any position.
//
// An invocation turns a pair: 6 operations for 16 bytes and the turn, which heads and batch share
// in the cache. Bandwidth is the bound. No workgroup memory and few registers, so occupancy is
// full.

struct Sizes {
    rows: u32, // batch steps heads
    steps: u32,
    heads: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> turns: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(SIZE)
fn rope(at: Invocation) {
    let half = sizes.width / 2u;
    let tasks = sizes.width - half; // pairs, and the number left over
    for (var task = first_cell(at); task < sizes.rows * tasks; task += all_cells(at)) {
        let row = task / tasks;
        let k = task % tasks;
        let first = row * sizes.width + k;
        if (k == half) {
            y[first + half] = x[first + half];
        } else {
            let turn = turns[row / sizes.heads % sizes.steps * half + k];
            let a = x[first];
            let b = x[first + half];
            y[first] = a * turn.x - b * turn.y;
            y[first + half] = b * turn.x + a * turn.y;
        }
    }
}
