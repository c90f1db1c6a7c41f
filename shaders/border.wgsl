// needs: grid

// Put images between zeros: x (images, H, W) to y (images, H', W'), x's corner at (top, left).
//
// An invocation takes the cells i, i + all invocations, ... of y. No arithmetic: bandwidth is the
// bound. No workgroup memory and few registers, so occupancy is full.

struct Border {
    cells: u32, // of y
    height: u32,
    width: u32,
    y_height: u32,
    y_width: u32,
    top: u32,
    left: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Border;

@compute @workgroup_size(SIZE)
fn border(at: Invocation) {
    for (var i = first_cell(at); i < sizes.cells; i += all_cells(at)) {
        let line = i / sizes.y_width;
        // below the start of the image these wrap around, and are then beyond its end
        let w = i - line * sizes.y_width - sizes.left;
        let h = line % sizes.y_height - sizes.top;
        if (h < sizes.height && w < sizes.width) {
            y[i] = x[(line / sizes.y_height * sizes.height + h) * sizes.width + w];
        } else {
            y[i] = 0.0;
        }
    }
}
