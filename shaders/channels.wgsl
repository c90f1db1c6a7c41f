// needs: grid, functions, activations, row_totals

// add_bias: y = f(x + b), mul_channels: y = x g; x and y (outer, C, inner), b and g (C,).
// sum_to_axis: the sum of x (outer, C, inner) to (C,), in parts.
//
// add_bias and mul_channels: x is seen as rows, (outer C, inner) of one channel each or, where the
// channels are the last axis (CHANNELS_BESIDE), (outer, C). An invocation takes RUN neighbouring
// cells of a row: one on a GPU, where neighbours then read neighbouring memory, and many on a CPU,
// where finding the row costs more than reading. One operation for 8 bytes: bandwidth is the bound.
//
// sum_to_axis: an invocation adds every `lanes`-th inner cell of a run of outer ones of a channel;
// channels or lanes pass fastest, whichever lies densely. y (parts, C), parts = outer parts x
// lanes. One operation for 4 bytes: bandwidth is the bound. Neither has workgroup memory in use or
// many registers, so occupancy is full.

override FUNCTION: u32 = 5; // code of the activation
override CHANNELS_BESIDE: bool = true;
override RUN: u32 = 1;

struct Rows {
    rows: u32,
    width: u32,
    channels: u32,
    runs: u32, // of a row
}

struct Sums {
    outer: u32,
    channels: u32,
    inner: u32,
    part_outer: u32, // outer cells of a part
    lanes: u32,
    count: u32, // parts x channels
}

@group(0) @binding(0) var<storage, read> x: array<f32>;

// add_bias, mul_channels
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Rows;

// sum_to_axis
@group(0) @binding(1) var<storage, read_write> parts: array<f32>;
@group(0) @binding(2) var<uniform> sums: Sums;

// The cells of one invocation, and the channel of the first.
struct Cells {
    first: u32,
    count: u32,
    channel: u32,
}

fn cells(n: u32) -> Cells {
    let row = n / sizes.runs;
    let column = (n - row * sizes.runs) * RUN;
    let channel = select(row % sizes.channels, column, CHANNELS_BESIDE);
    return Cells(row * sizes.width + column, min(RUN, sizes.width - column), channel);
}

@compute @workgroup_size(SIZE)
fn add_bias(at: Invocation) {
    for (var n = first_cell(at); n < sizes.rows * sizes.runs; n += all_cells(at)) {
        let run = cells(n);
        if (CHANNELS_BESIDE) {
            for (var i = 0u; i < run.count; i++) {
                y[run.first + i] = activated(FUNCTION, x[run.first + i] + c[run.channel + i]);
            }
        } else {
            let bias = c[run.channel];
            for (var i = 0u; i < run.count; i++) {
                y[run.first + i] = activated(FUNCTION, x[run.first + i] + bias);
            }
        }
    }
}

@compute @workgroup_size(SIZE)
fn mul_channels(at: Invocation) {
    for (var n = first_cell(at); n < sizes.rows * sizes.runs; n += all_cells(at)) {
        let run = cells(n);
        for (var i = 0u; i < run.count; i++) {
            let gain = c[run.channel + select(0u, i, CHANNELS_BESIDE)];
            y[run.first + i] = x[run.first + i] * gain;
        }
    }
}

@compute @workgroup_size(SIZE)
fn sum_to_axis(at: Invocation) {
    for (var n = first_cell(at); n < sums.count; n += all_cells(at)) {
        let lane = n % sums.lanes;
        var channel = n / sums.lanes % sums.channels;
        if (CHANNELS_BESIDE) {
            channel = n % sums.channels;
        }
        let part = n / (sums.lanes * sums.channels);
        let end = min((part + 1u) * sums.part_outer, sums.outer);
        let outer_step = sums.channels * sums.inner;
        let inner = sums.inner;
        let lanes = sums.lanes;
        var sum = Sum();
        for (var o = part * sums.part_outer; o < end; o++) {
            let start = o * outer_step + channel * inner;
            for (var i = lane; i < inner; i += lanes) {
                add_to(&sum, x[start + i]);
            }
        }
        parts[(part * sums.lanes + lane) * sums.channels + channel] = sum.whole + sum.block;
    }
}
