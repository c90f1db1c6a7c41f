// needs: grid

// Data moved without arithmetic.
//
// window: slice_axis, pad_axis, shift_time and each input of concat. An array is seen as rows;
//   cells y_start to y_start + width of each row of y come from the row of x at the same distance
//   less `shift`, and are 0 where x has no such cell.
// transpose: y in order, x by its distances along the axes of y.
// permute_columns: y[r, c] = x[r, order[c]].
//
// An invocation moves `run` neighbouring cells of a row of y (the innermost axis): 1 on a GPU,
// where neighbours then write one line of memory together, more on a software adapter, where the
// divisions that find the row cost more than the cells. No arithmetic on 8 bytes moved: bandwidth
// is the bound; a transpose reads with a stride, for which it relies on the cache. No workgroup
// memory and few registers, so occupancy is full.

@group(0) @binding(0) var<storage, read> x: array<f32>;

struct Window {
    rows: u32,
    width: u32, // cells written in each row
    y_row: u32, // distance of rows in y
    y_start: u32,
    x_row: u32, // cells of a row of x
    shift: i32,
    run: u32,
    runs: u32, // in a row: width / run, rounded up
}

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> window_of: Window;

@compute @workgroup_size(SIZE)
fn window(at: Invocation) {
    let all = window_of.rows * window_of.runs;
    for (var task = first_cell(at); task < all; task += all_cells(at)) {
        let row = task / window_of.runs;
        let start = (task % window_of.runs) * window_of.run;
        let stop = min(start + window_of.run, window_of.width);
        for (var i = start; i < stop; i++) {
            let from_x = i32(i) - window_of.shift;
            var value = 0.0;
            if (from_x >= 0 && from_x < i32(window_of.x_row)) {
                value = x[row * window_of.x_row + u32(from_x)];
            }
            y[row * window_of.y_row + window_of.y_start + i] = value;
        }
    }
}

struct Turned {
    axes: u32, // besides the innermost
    rows: u32,
    width: u32,
    step: u32, // along the innermost axis, in x
    run: u32,
    runs: u32,
}

// Size of each axis of y, innermost but one first, and its distance in x.
@group(0) @binding(1) var<storage, read> axes: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> y_turned: array<f32>;
@group(0) @binding(3) var<uniform> turned: Turned;

@compute @workgroup_size(SIZE)
fn transpose(at: Invocation) {
    let all = turned.rows * turned.runs;
    for (var task = first_cell(at); task < all; task += all_cells(at)) {
        let row = task / turned.runs;
        let start = (task % turned.runs) * turned.run;
        let stop = min(start + turned.run, turned.width);
        var rest = row;
        var x_start = 0u;
        for (var axis = 0u; axis < turned.axes; axis++) {
            let here = axes[axis];
            x_start += (rest % here.x) * here.y;
            rest /= here.x;
        }
        for (var i = start; i < stop; i++) {
            y_turned[row * turned.width + i] = x[x_start + i * turned.step];
        }
    }
}

struct Columns {
    rows: u32,
    width: u32,
    run: u32,
    runs: u32,
}

@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> y_permuted: array<f32>;
@group(0) @binding(3) var<uniform> columns: Columns;

@compute @workgroup_size(SIZE)
fn permute_columns(at: Invocation) {
    let all = columns.rows * columns.runs;
    for (var task = first_cell(at); task < all; task += all_cells(at)) {
        let row = task / columns.runs;
        let start = (task % columns.runs) * columns.run;
        let stop = min(start + columns.run, columns.width);
        for (var i = start; i < stop; i++) {
            y_permuted[row * columns.width + i] = x[row * columns.width + order[i]];
        }
    }
}
