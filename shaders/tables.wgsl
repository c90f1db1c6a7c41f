// needs: grid

// gather_rows: y[n, :] = table[ids[n], :]. scatter_add_rows: table[ids[n], :] += dy[n, :] from
// zero, in the order of n, without atomics, so that every run gives the same sums.
//
// A number that names no row (NaN and infinity among them) gives zeros and takes no gradient.
// table (rows, width), ids (count), y, dy (count, width).
//
// The numbers of one row are linked to each other, and the first of them adds up the row; this goes
// chunk by chunk (`first` to `first` + count), so that the comparisons stay linear in the count.
//
// gather_rows and add_linked move 8 bytes for a sum at most: bandwidth is the bound. link compares
// numbers with each other until it finds the next of the same row, in the cache. No workgroup
// memory and few registers, so occupancy is full.

struct Sizes {
    rows: u32,
    width: u32,
    count: u32,
    first: u32, // number of a chunk
}

const NONE = 0xffffffffu;

@group(0) @binding(0) var<storage, read> ids: array<f32>;

// The row that the n-th number names (truncated toward zero), or NONE.
fn row_of(n: u32, rows: u32) -> u32 {
    let id = ids[n];
    let finite = (bitcast<u32>(id) & 0x7f800000u) != 0x7f800000u;
    if (finite && id > -1.0 && id < f32(rows)) {
        return u32(max(id, 0.0));
    }
    return NONE;
}

@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(SIZE)
fn gather_rows(at: Invocation) {
    for (var i = first_cell(at); i < sizes.count * sizes.width; i += all_cells(at)) {
        let row = row_of(i / sizes.width, sizes.rows);
        var value = 0.0;
        if (row != NONE) {
            value = table[row * sizes.width + i % sizes.width];
        }
        y[i] = value;
    }
}

@group(0) @binding(0) var<storage, read_write> cleared: array<f32>;
@group(0) @binding(1) var<uniform> clearing: Sizes;

// A table of zeros.
@compute @workgroup_size(SIZE)
fn clear(at: Invocation) {
    for (var i = first_cell(at); i < clearing.rows * clearing.width; i += all_cells(at)) {
        cleared[i] = 0.0;
    }
}

// For each number of the chunk: whether it is the first of its row (1, else 0), and which is the
// next.
@group(0) @binding(1) var<storage, read_write> links: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> linking: Sizes;

@compute @workgroup_size(SIZE)
fn link(at: Invocation) {
    let i = first_cell(at);
    if (i >= linking.count) {
        return;
    }
    let stop = linking.first + linking.count;
    let n = linking.first + i;
    let row = row_of(n, linking.rows);
    var found = vec2<u32>(0u, NONE);
    if (row != NONE) {
        var before = n;
        while (before > linking.first && row_of(before - 1u, linking.rows) != row) {
            before--;
        }
        found.x = select(0u, 1u, before == linking.first);
        var after = n + 1u;
        while (after < stop && row_of(after, linking.rows) != row) {
            after++;
        }
        found.y = select(NONE, after, after < stop);
    }
    links[i] = found;
}

@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<storage, read> linked: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> adding: Sizes;

// The first number of a row follows the links and adds to the row; one column an invocation.
@compute @workgroup_size(SIZE)
fn add_linked(at: Invocation) {
    let i = first_cell(at);
    if (i >= adding.count * adding.width) {
        return;
    }
    let column = i % adding.width;
    var n = adding.first + i / adding.width;
    if (linked[n - adding.first].x == 1u) {
        let cell = row_of(n, adding.rows) * adding.width + column;
        var sum = sums[cell];
        while (n != NONE) {
            sum += dy[n * adding.width + column];
            n = linked[n - adding.first].y;
        }
        sums[cell] = sum;
    }
}
