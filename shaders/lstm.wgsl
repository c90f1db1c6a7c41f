// needs: grid, functions, recurrence

// lstm_scan and its gradient; shapes, cost and what an invocation computes: lib/recurrence.wgsl.
// The states of a step are h forward and du backward.

// Forward: i, f, o = sigmoid, g = tanh of u_t + W h_{t-1}; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> h: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read_write> gates: array<f32>;
@group(0) @binding(6) var<uniform> lstm: Scan;

fn input_of(at: vec4<u32>) -> vec4<f32> { return vec4<f32>(u[at.x], u[at.y], u[at.z], u[at.w]); }

// One unit of a block; z has the recurrent parts of i, f, g, o.
fn step(block: u32, t: u32, j: u32, z: mat4x4<f32>) {
    let hidden = lstm.hidden;
    let rows = rows_of(lstm, block, t);
    let at = rows * 4u * hidden + j;
    let i = sigmoids(input_of(at) + z[0]);
    let f = sigmoids(input_of(at + hidden) + z[1]);
    let g = tangents(input_of(at + 2u * hidden) + z[2]);
    let o = sigmoids(input_of(at + 3u * hidden) + z[3]);
    let cells = rows * hidden + j;
    var cell = i * g;
    if (t > 0u) {
        let before = cells - hidden;
        cell += f * vec4<f32>(c[before.x], c[before.y], c[before.z], c[before.w]);
    }
    let now = o * tangents(cell);
    states[states_of(lstm, block, t) + j] = now;
    for (var s = 0u; s < samples_of(lstm, block); s++) {
        gates[at[s]] = i[s];
        gates[at[s] + hidden] = f[s];
        gates[at[s] + 2u * hidden] = g[s];
        gates[at[s] + 3u * hidden] = o[s];
        c[cells[s]] = cell[s];
        h[cells[s]] = now[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn lstm_scan(at: Invocation) {
    let mine = work(lstm, at);
    for (var t = lstm.first; t < lstm.stop; t++) {
        if (samples_of(lstm, mine.block) > 0u) {
            for (var j = mine.first; j < lstm.groups; j += mine.step) {
                step(mine.block, t, j, product(lstm, mine.block, t, j));
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}

// Backward; n counts the steps from the last to the first
@group(0) @binding(2) var<storage, read> dh: array<f32>;
@group(0) @binding(3) var<storage, read> c_given: array<f32>;
@group(0) @binding(4) var<storage, read> gates_given: array<f32>;
@group(0) @binding(5) var<storage, read_write> du: array<f32>;
@group(0) @binding(6) var<storage, read_write> later_c: array<vec4<f32>>; // f dc of t + 1
@group(0) @binding(7) var<uniform> lstm_du: Scan;

fn gate_of(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(gates_given[at.x], gates_given[at.y], gates_given[at.z], gates_given[at.w]);
}

fn cell_of(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(c_given[at.x], c_given[at.y], c_given[at.z], c_given[at.w]);
}

// One unit of a block; later_h has W^T du_{t+1}.
fn step_du(block: u32, n: u32, j: u32, later_h: vec4<f32>) {
    let hidden = lstm_du.hidden;
    if (j >= hidden) {
        return;
    }
    let rows = rows_of(lstm_du, block, lstm_du.steps - 1u - n);
    let cells = rows * hidden + j;
    let at = rows * 4u * hidden + j;
    let i = gate_of(at);
    let f = gate_of(at + hidden);
    let g = gate_of(at + 2u * hidden);
    let o = gate_of(at + 3u * hidden);
    let squashed = tangents(cell_of(cells));
    let dy = vec4<f32>(dh[cells.x], dh[cells.y], dh[cells.z], dh[cells.w]) + later_h;
    var dc = dy * o * (1.0 - squashed * squashed);
    if (n > 0u) {
        dc += later_c[block * hidden + j];
    }
    var before = vec4<f32>(0.0);
    if (n + 1u < lstm_du.steps) {
        before = cell_of(cells - hidden);
    }
    later_c[block * hidden + j] = dc * f;
    put(block, n, at, j, dc * g * i * (1.0 - i));
    put(block, n, at + hidden, j + hidden, dc * before * f * (1.0 - f));
    put(block, n, at + 2u * hidden, j + 2u * hidden, dc * i * (1.0 - g * g));
    put(block, n, at + 3u * hidden, j + 3u * hidden, dy * squashed * o * (1.0 - o));
}

fn put(block: u32, n: u32, at: vec4<u32>, gate: u32, now: vec4<f32>) {
    states[states_of(lstm_du, block, n) + gate] = now;
    for (var s = 0u; s < samples_of(lstm_du, block); s++) {
        du[at[s]] = now[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn lstm_scan_du(at: Invocation) {
    let mine = work(lstm_du, at);
    for (var n = lstm_du.first; n < lstm_du.stop; n++) {
        if (samples_of(lstm_du, mine.block) > 0u) {
            for (var group = mine.first; group < lstm_du.groups; group += mine.step) {
                let later_h = product(lstm_du, mine.block, n, group);
                step_du(mine.block, n, group * 4u, later_h[0]);
                step_du(mine.block, n, group * 4u + 1u, later_h[1]);
                step_du(mine.block, n, group * 4u + 2u, later_h[2]);
                step_du(mine.block, n, group * 4u + 3u, later_h[3]);
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}
