// needs: grid, functions, row_totals

// max_pool2d, avg_pool2d and their gradients; x, dx (planes, H, W), y, dy (planes, U, V). A window
// is cut at the image's border.
//
// Forward, LANES invocations share the cells of one window, lane l the cells l, l + LANES, ... in
// reading order; the lanes' results meet in a tree. max_place notes where the largest cell of each
// window is; max_pool2d_dx and avg_pool2d_dx go over the windows that a cell of the image lies in,
// in order and without atomics, so that every run gives the same sums. An operation or two for 4
// bytes, most of them out of the cache where windows overlap: bandwidth is the bound. 3 kB of
// workgroup memory and few registers, so occupancy is full.

struct Pooling {
    planes: u32,
    height: u32,
    width: u32,
    kernel_h: u32,
    kernel_w: u32,
    down: u32,
    right: u32,
    pad_h: u32,
    pad_w: u32,
    u: u32,
    v: u32,
}

// From where to before where along an axis; of a window cells, of a cell windows.
struct Span {
    start: u32,
    stop: u32,
}

fn window_span(cell: u32, stride: u32, padding: u32, kernel: u32, size: u32) -> Span {
    let start = cell * stride;
    return Span(max(start, padding) - padding, min(start + kernel - padding, size));
}

fn windows_of(place: u32, stride: u32, padding: u32, kernel: u32, count: u32) -> Span {
    let last = place + padding; // the last window starts there or before
    return Span((max(last + stride, kernel) - kernel) / stride, min(last / stride + 1u, count));
}

const NONE = 0xffffffffu;

// The largest of some cells, and where in the plane it is: of equal ones the first.
struct Peak {
    value: f32,
    place: u32,
}

// Whether b takes a's place: NaN is above all, so that it goes through.
fn is_above(a: Peak, b: Peak) -> bool {
    if (a.place == NONE || b.place == NONE) {
        return b.place != NONE;
    }
    if (is_nan(a.value) || is_nan(b.value)) {
        return is_nan(b.value) && (!is_nan(a.value) || b.place < a.place);
    }
    return b.value > a.value || (b.value == a.value && b.place < a.place);
}

var<workgroup> peaks: array<Peak, 256>;

fn highest(p: Place, mine: Peak) -> Peak {
    var found = mine;
    if (LANES > 1u) {
        peaks[p.seat] = found;
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (p.lane < half && is_above(peaks[p.seat], peaks[p.seat + half])) {
                peaks[p.seat] = peaks[p.seat + half];
            }
        }
        workgroupBarrier();
        found = peaks[p.seat - p.lane];
    }
    return found;
}

// The cells of the row-th window; none beyond the last one.
struct Window {
    plane: u32, // where it starts
    top: u32,
    left: u32,
    width: u32,
    cells: u32,
}

fn window_at(s: Pooling, row: u32) -> Window {
    if (row >= s.planes * s.u * s.v) {
        return Window();
    }
    let rows = window_span(row / s.v % s.u, s.down, s.pad_h, s.kernel_h, s.height);
    let columns = window_span(row % s.v, s.right, s.pad_w, s.kernel_w, s.width);
    let width = columns.stop - columns.start;
    let plane = row / (s.u * s.v) * s.height * s.width;
    return Window(plane, rows.start, columns.start, width, (rows.stop - rows.start) * width);
}

fn place_in(s: Pooling, window: Window, cell: u32) -> u32 {
    return (window.top + cell / window.width) * s.width + window.left + cell % window.width;
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> places: array<u32>;
@group(0) @binding(2) var<uniform> sizes: Pooling;

fn peak_of(p: Place) -> Peak {
    let window = window_at(sizes, p.row);
    var most = Peak(0.0, NONE);
    for (var cell = p.lane; cell < window.cells; cell += LANES) {
        let place = place_in(sizes, window, cell);
        let here = Peak(x[window.plane + place], place);
        if (is_above(most, here)) {
            most = here;
        }
    }
    return highest(p, most);
}

@compute @workgroup_size(LANES, ROWS)
fn max_pool2d(at: Invocation) {
    let p = place(at);
    let most = peak_of(p);
    if (p.lane == 0u && most.place != NONE) {
        y[p.row] = most.value;
    }
}

@compute @workgroup_size(LANES, ROWS)
fn max_place(at: Invocation) {
    let p = place(at);
    let most = peak_of(p);
    if (p.lane == 0u && most.place != NONE) {
        places[p.row] = most.place;
    }
}

@compute @workgroup_size(LANES, ROWS)
fn avg_pool2d(at: Invocation) {
    let p = place(at);
    let window = window_at(sizes, p.row);
    var sum = Sum();
    for (var cell = p.lane; cell < window.cells; cell += LANES) {
        add_to(&sum, x[window.plane + place_in(sizes, window, cell)]);
    }
    let total = row_total(p, sum);
    if (p.lane == 0u && window.cells > 0u) {
        y[p.row] = total / (f32(sizes.kernel_h) * f32(sizes.kernel_w));
    }
}

// Backward, a row of lanes for each cell of the image
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(0) @binding(2) var<storage, read> found: array<u32>; // of max_place
@group(0) @binding(3) var<uniform> max_sizes: Pooling;
@group(0) @binding(2) var<uniform> avg_sizes: Pooling;

// The windows that the row-th cell lies in, as cells of the pooled plane.
fn windows_at(s: Pooling, row: u32) -> Window {
    let place = row % (s.height * s.width);
    if (row >= s.planes * s.height * s.width) {
        return Window();
    }
    let down = windows_of(place / s.width, s.down, s.pad_h, s.kernel_h, s.u);
    let right = windows_of(place % s.width, s.right, s.pad_w, s.kernel_w, s.v);
    // Between windows that stand apart lie cells that are in none.
    let rows = max(down.stop, down.start) - down.start;
    let width = max(right.stop, right.start) - right.start;
    let plane = row / (s.height * s.width) * s.u * s.v;
    return Window(plane, down.start, right.start, width, rows * width);
}

fn pooled_place(s: Pooling, windows: Window, n: u32) -> u32 {
    let down = windows.top + n / windows.width;
    return windows.plane + down * s.v + windows.left + n % windows.width;
}

@compute @workgroup_size(LANES, ROWS)
fn max_pool2d_dx(at: Invocation) {
    let p = place(at);
    let area = max_sizes.height * max_sizes.width;
    let windows = windows_at(max_sizes, p.row);
    var sum = Sum();
    for (var n = p.lane; n < windows.cells; n += LANES) {
        let window = pooled_place(max_sizes, windows, n);
        if (found[window] == p.row % area) {
            add_to(&sum, dy[window]);
        }
    }
    let total = row_total(p, sum);
    if (p.lane == 0u && p.row < max_sizes.planes * area) {
        dx[p.row] = total;
    }
}

@compute @workgroup_size(LANES, ROWS)
fn avg_pool2d_dx(at: Invocation) {
    let p = place(at);
    let windows = windows_at(avg_sizes, p.row);
    var sum = Sum();
    for (var n = p.lane; n < windows.cells; n += LANES) {
        add_to(&sum, dy[pooled_place(avg_sizes, windows, n)]);
    }
    let total = row_total(p, sum);
    if (p.lane == 0u && p.row < avg_sizes.planes * avg_sizes.height * avg_sizes.width) {
        dx[p.row] = total / (f32(avg_sizes.kernel_h) * f32(avg_sizes.kernel_w));
    }
}
