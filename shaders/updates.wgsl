// needs: grid

// running_mean, descend, sgd, momentum, adamw, rmsprop, rmsprop_momentum: w and its states, all of
// the gradient's shape, change in place. running_mean has a mean for w, what is taken up for dw.
// The formulas and the order of `hyper` stand in loom_core/graph/ops/updates.py.
//
// A cell is a vector of 4 numbers; every buffer ends with a whole one, whatever the shape. An
// invocation takes the cells i, i + all invocations, ... One pass over 12 to 28 bytes a number with
// 3 to 15 operations: bandwidth is the bound; no workgroup memory, few registers, full occupancy.

override DECAY: bool = false;
override NESTEROV: bool = false;
override SHARE: u32 = 2; // of running_mean: which number of hyper

const RATE = 0u;
const MOMENTUM = 1u;
const FRESH = 2u;
const FRESH_SQUARES = 3u;
const WEIGHT_DECAY = 4u;
const EPSILON = 5u;
const MEAN_CORRECTION = 6u;
const ROOT_CORRECTION = 7u;

@group(0) @binding(0) var<storage, read> hyper: array<f32>;
// By its bits: NaN, which says that nothing may change, is not a number to compilers.
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read_write> w: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dw: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> first_state: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> second_state: array<vec4<f32>>;

// After as many states.
@group(0) @binding(4) var<uniform> stateless_count: u32;
@group(0) @binding(5) var<uniform> one_state_count: u32;
@group(0) @binding(6) var<uniform> two_states_count: u32;

// How many cells may change.
fn allowed(count: u32) -> u32 {
    return select(count, 0u, (scale[0] & 0x7fffffffu) > 0x7f800000u);
}

fn scaled(i: u32) -> vec4<f32> { return bitcast<f32>(scale[0]) * dw[i]; }

// With the weight decay that is part of the gradient.
fn gradient(i: u32) -> vec4<f32> {
    if (DECAY) {
        return scaled(i) + hyper[WEIGHT_DECAY] * w[i];
    }
    return scaled(i);
}

@compute @workgroup_size(SIZE)
fn running_mean(at: Invocation) {
    for (var i = first_cell(at); i < allowed(stateless_count); i += all_cells(at)) {
        w[i] += hyper[SHARE] * (dw[i] - w[i]);
    }
}

@compute @workgroup_size(SIZE)
fn descend(at: Invocation) {
    for (var i = first_cell(at); i < allowed(stateless_count); i += all_cells(at)) {
        var change = dw[i];
        if (DECAY) {
            change += hyper[WEIGHT_DECAY] * w[i];
        }
        w[i] -= hyper[RATE] * change;
    }
}

@compute @workgroup_size(SIZE)
fn sgd(at: Invocation) {
    for (var i = first_cell(at); i < allowed(stateless_count); i += all_cells(at)) {
        w[i] -= hyper[RATE] * gradient(i);
    }
}

// State: v
@compute @workgroup_size(SIZE)
fn momentum(at: Invocation) {
    for (var i = first_cell(at); i < allowed(one_state_count); i += all_cells(at)) {
        let g = gradient(i);
        let v = hyper[MOMENTUM] * first_state[i] + hyper[FRESH] * g;
        first_state[i] = v;
        if (NESTEROV) {
            w[i] -= hyper[RATE] * (g + hyper[MOMENTUM] * v);
        } else {
            w[i] -= hyper[RATE] * v;
        }
    }
}

// States: m, v
@compute @workgroup_size(SIZE)
fn adamw(at: Invocation) {
    for (var i = first_cell(at); i < allowed(two_states_count); i += all_cells(at)) {
        let g = scaled(i);
        let m = first_state[i] + hyper[FRESH] * (g - first_state[i]);
        let v = second_state[i] + hyper[FRESH_SQUARES] * (g * g - second_state[i]);
        first_state[i] = m;
        second_state[i] = v;
        let root = hyper[ROOT_CORRECTION] * sqrt(v) + hyper[EPSILON];
        var step = hyper[RATE] * hyper[MEAN_CORRECTION] * m / root;
        if (DECAY) {
            step += hyper[RATE] * hyper[WEIGHT_DECAY] * w[i];
        }
        w[i] -= step;
    }
}

// The running mean of squares takes up g^2; g over its root.
fn normalised(i: u32) -> vec4<f32> {
    let g = gradient(i);
    let s = first_state[i] + hyper[FRESH_SQUARES] * (g * g - first_state[i]);
    first_state[i] = s;
    return g / (sqrt(s) + hyper[EPSILON]);
}

// State: s
@compute @workgroup_size(SIZE)
fn rmsprop(at: Invocation) {
    for (var i = first_cell(at); i < allowed(one_state_count); i += all_cells(at)) {
        w[i] -= hyper[RATE] * normalised(i);
    }
}

// States: s, b
@compute @workgroup_size(SIZE)
fn rmsprop_momentum(at: Invocation) {
    for (var i = first_cell(at); i < allowed(two_states_count); i += all_cells(at)) {
        let b = hyper[MOMENTUM] * second_state[i] + normalised(i);
        second_state[i] = b;
        w[i] -= hyper[RATE] * b;
    }
}
