// needs: grid, functions, activations, row_totals

// add_bias: y = f(x + b), mul_channels: y = x g; x and y (outer, C, inner), b and g (C,).
// sum_to_axis: the sum of x (outer, C, inner) to (C,), in parts.
//
// add_bias and mul_channels: an invocation takes the cells i, i + all invocations, ... One operation
// for 8 bytes: bandwidth is the bound.
//
// sum_to_axis: invocations (part, channel) or (channel, lane of a part), whichever makes neighbours
// read neighbouring memory: CHANNELS_BESIDE where the channels are the last axis. A part is every
// `lanes`-th inner cell of a run of outer ones. y (parts, C), where parts = outer parts x lanes.
// One operation for 4 bytes; no workgroup memory, few registers, so occupancy is full.

override FUNCTION: u32 = 5; // code of the activation
override CHANNELS_BESIDE: bool = true;

struct Sizes {
    outer: u32,
    channels: u32,
    inner: u32,
    part_outer: u32, // outer cells of a part
    lanes: u32,
    sums: u32, // parts x channels
}

@group(0) @binding(0) var<storage, read> x: array<f32>;

// add_bias, mul_channels
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// sum_to_axis
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> sizes_of_sum: Sizes;

fn channel(cell: u32) -> u32 {
    if (CHANNELS_BESIDE) {
        return cell % sizes.channels;
    }
    return cell / sizes.inner % sizes.channels;
}

@compute @workgroup_size(SIZE)
fn add_bias(at: Invocation) {
    let cells = sizes.outer * sizes.channels * sizes.inner;
    for (var i = first_cell(at); i < cells; i += all_cells(at)) {
        y[i] = activated(FUNCTION, x[i] + c[channel(i)]);
    }
}

@compute @workgroup_size(SIZE)
fn mul_channels(at: Invocation) {
    let cells = sizes.outer * sizes.channels * sizes.inner;
    for (var i = first_cell(at); i < cells; i += all_cells(at)) {
        y[i] = x[i] * c[channel(i)];
    }
}

@compute @workgroup_size(SIZE)
fn sum_to_axis(at: Invocation) {
    let s = sizes_of_sum;
    for (var n = first_cell(at); n < s.sums; n += all_cells(at)) {
        let lane = n % s.lanes;
        var channel = n / s.lanes % s.channels;
        if (CHANNELS_BESIDE) {
            channel = n % s.channels;
        }
        let part = n / (s.lanes * s.channels);
        let end = min((part + 1u) * s.part_outer, s.outer);
        var sum = Sum();
        for (var o = part * s.part_outer; o < end; o++) {
            let start = (o * s.channels + channel) * s.inner;
            for (var i = lane; i < s.inner; i += s.lanes) {
                add_to(&sum, x[start + i]);
            }
        }
        sums[(part * s.lanes + lane) * s.channels + channel] = sum.whole + sum.block;
    }
}
