// needs: grid

// packed[k][group] = the weights of term k in the 4 results of a group, zeros beyond the last; for
// lib/recurrence.wgsl. w (G, hidden): forward the results are its rows, backward its columns.
//
// An invocation writes a vector: 16 bytes read and written, no arithmetic, bandwidth is the bound.
// No workgroup memory and few registers, so occupancy is full.

struct Packing {
    groups: u32,
    depth: u32,
    results: u32,
    group_step: u32, // from a group's first result to the next group's
    result_step: u32, // within a group
    result_distance: u32, // in w
    term_distance: u32,
}

@group(0) @binding(0) var<storage, read> w: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> packing: Packing;

fn weight(group: u32, within: u32, k: u32) -> f32 {
    let result = group * packing.group_step + within * packing.result_step;
    if (result >= packing.results) {
        return 0.0;
    }
    return w[result * packing.result_distance + k * packing.term_distance];
}

@compute @workgroup_size(SIZE)
fn pack(at: Invocation) {
    for (var i = first_cell(at); i < packing.depth * packing.groups; i += all_cells(at)) {
        let group = i % packing.groups;
        let k = i / packing.groups;
        packed[i] = vec4<f32>(
            weight(group, 0u, k),
            weight(group, 1u, k),
            weight(group, 2u, k),
            weight(group, 3u, k),
        );
    }
}
