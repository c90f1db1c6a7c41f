// needs: grid, row_totals

// y[i] = sum over p of x[p, i], the second stage of sums that were cut into parts. x (parts,
// count).
//
// An invocation takes the cells i, i + all invocations, ...: neighbours read neighbouring
// memory. One operation for 4 bytes: bandwidth is the bound. No workgroup memory and few
// registers, so occupancy is full.

struct Parts {
    count: u32,
    parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Parts;

@compute @workgroup_size(SIZE)
fn add_parts(at: Invocation) {
    for (var i = first_cell(at); i < sizes.count; i += all_cells(at)) {
        var sum = Sum();
        for (var p = 0u; p < sizes.parts; p++) {
            add_to(&sum, x[p * sizes.count + i]);
        }
        y[i] = sum.whole + sum.block;
    }
}
