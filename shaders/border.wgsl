// needs: grid

// Put images between zeros: x (images, H, W) to y (images, H', W'), x's corner at (top, left).
//
// An invocation takes RUN neighbouring cells of a line of y: one on a GPU, where neighbours then
// move neighbouring memory, and many on a CPU, where finding the line costs more than moving. No
// arithmetic: bandwidth is the bound. No workgroup memory and few registers, so occupancy is
// full.

override RUN: u32 = 1;

struct Border {
    lines: u32, // of y, of all images
    height: u32,
    width: u32,
    y_height: u32,
    y_width: u32,
    top: u32,
    left: u32,
    runs: u32, // of a line
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Border;

@compute @workgroup_size(SIZE)
fn border(at: Invocation) {
    let s = sizes;
    for (var n = first_cell(at); n < s.lines * s.runs; n += all_cells(at)) {
        let line = n / s.runs;
        let first = (n - line * s.runs) * RUN;
        let image = line / s.y_height;
        // Above and left of the image h and w wrap around, and are then beyond its end.
        let h = line - image * s.y_height - s.top;
        for (var column = first; column < min(first + RUN, s.y_width); column++) {
            let w = column - s.left;
            var value = 0.0;
            if (h < s.height && w < s.width) {
                value = x[(image * s.height + h) * s.width + w];
            }
            y[line * s.y_width + column] = value;
        }
    }
}
