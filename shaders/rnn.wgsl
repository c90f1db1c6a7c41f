// needs: grid, functions, recurrence

// rnn_scan and its gradient; shapes, cost and what an invocation computes: lib/recurrence.wgsl.
// The states of a step are h forward and du backward.

// Forward: h_t = tanh(u_t + W h_{t-1})
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> h: array<f32>;
@group(0) @binding(4) var<uniform> rnn: Scan;

// One unit of a block; z has the recurrent part.
fn step(block: u32, t: u32, j: u32, z: vec4<f32>) {
    if (j >= rnn.hidden) {
        return;
    }
    let cells = rows_of(rnn, block, t) * rnn.hidden + j;
    let now = tangents(vec4<f32>(u[cells.x], u[cells.y], u[cells.z], u[cells.w]) + z);
    states[states_of(rnn, block, t) + j] = now;
    for (var s = 0u; s < samples_of(rnn, block); s++) {
        h[cells[s]] = now[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn rnn_scan(at: Invocation) {
    let mine = work(rnn, at);
    for (var t = rnn.first; t < rnn.stop; t++) {
        if (samples_of(rnn, mine.block) > 0u) {
            for (var group = mine.first; group < rnn.groups; group += mine.step) {
                let z = product(rnn, mine.block, t, group);
                step(mine.block, t, group * 4u, z[0]);
                step(mine.block, t, group * 4u + 1u, z[1]);
                step(mine.block, t, group * 4u + 2u, z[2]);
                step(mine.block, t, group * 4u + 3u, z[3]);
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}

// Backward: du_t = (1 - h_t^2) (dh_t + W^T du_{t+1}); n counts the steps from the last to the first
@group(0) @binding(2) var<storage, read> dh: array<f32>;
@group(0) @binding(3) var<storage, read> h_given: array<f32>;
@group(0) @binding(4) var<storage, read_write> du: array<f32>;
@group(0) @binding(5) var<uniform> rnn_du: Scan;

fn step_du(block: u32, n: u32, j: u32, later: vec4<f32>) {
    if (j >= rnn_du.hidden) {
        return;
    }
    let cells = rows_of(rnn_du, block, rnn_du.steps - 1u - n) * rnn_du.hidden + j;
    let y = vec4<f32>(h_given[cells.x], h_given[cells.y], h_given[cells.z], h_given[cells.w]);
    let dy = vec4<f32>(dh[cells.x], dh[cells.y], dh[cells.z], dh[cells.w]);
    let now = (1.0 - y * y) * (dy + later);
    states[states_of(rnn_du, block, n) + j] = now;
    for (var s = 0u; s < samples_of(rnn_du, block); s++) {
        du[cells[s]] = now[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn rnn_scan_du(at: Invocation) {
    let mine = work(rnn_du, at);
    for (var n = rnn_du.first; n < rnn_du.stop; n++) {
        if (samples_of(rnn_du, mine.block) > 0u) {
            for (var group = mine.first; group < rnn_du.groups; group += mine.step) {
                let later = product(rnn_du, mine.block, n, group);
                step_du(mine.block, n, group * 4u, later[0]);
                step_du(mine.block, n, group * 4u + 1u, later[1]);
                step_du(mine.block, n, group * 4u + 2u, later[2]);
                step_du(mine.block, n, group * 4u + 3u, later[3]);
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}
