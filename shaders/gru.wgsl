// needs: grid, functions, recurrence

// gru_scan and its gradient; shapes, cost and what an invocation computes: lib/recurrence.wgsl.
// The states of a step are h forward and dv backward, the gradient of W h_{t-1}. The gates' parts
// of u and w stand in the order r, z, n; kept (batch, steps, 4 hidden) has r, z, n and q.

// Forward: r, z = sigmoid(u_t + W h_{t-1}), q = W h_{t-1} + b, n = tanh(u_t + r q),
// h_t = n + z (h_{t-1} - n)
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> h: array<f32>;
@group(0) @binding(5) var<storage, read_write> kept: array<f32>;
@group(0) @binding(6) var<uniform> gru: Scan;

fn input_of(at: vec4<u32>) -> vec4<f32> { return vec4<f32>(u[at.x], u[at.y], u[at.z], u[at.w]); }

// One unit of a block; carried has the recurrent parts of r, z, n.
fn step(block: u32, t: u32, j: u32, carried: mat4x4<f32>) {
    let hidden = gru.hidden;
    let rows = rows_of(gru, block, t);
    let at = rows * 3u * hidden + j;
    let r = sigmoids(input_of(at) + carried[0]);
    let z = sigmoids(input_of(at + hidden) + carried[1]);
    let q = carried[2] + b[j];
    let n = tangents(input_of(at + 2u * hidden) + r * q);
    var before = vec4<f32>(0.0);
    if (t > 0u) {
        before = states[states_of(gru, block, t - 1u) + j];
    }
    let now = n + z * (before - n);
    states[states_of(gru, block, t) + j] = now;
    let keep = rows * 4u * hidden + j;
    for (var s = 0u; s < samples_of(gru, block); s++) {
        kept[keep[s]] = r[s];
        kept[keep[s] + hidden] = z[s];
        kept[keep[s] + 2u * hidden] = n[s];
        kept[keep[s] + 3u * hidden] = q[s];
        h[rows[s] * hidden + j] = now[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn gru_scan(at: Invocation) {
    let mine = work(gru, at);
    for (var t = gru.first; t < gru.stop; t++) {
        if (samples_of(gru, mine.block) > 0u) {
            for (var j = mine.first; j < gru.groups; j += mine.step) {
                step(mine.block, t, j, product(gru, mine.block, t, j));
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}

// Backward; m counts the steps from the last to the first
@group(0) @binding(2) var<storage, read> dh: array<f32>;
@group(0) @binding(3) var<storage, read> h_given: array<f32>;
@group(0) @binding(4) var<storage, read> kept_given: array<f32>;
@group(0) @binding(5) var<storage, read_write> du: array<f32>;
@group(0) @binding(6) var<storage, read_write> dv: array<f32>;
@group(0) @binding(7) var<storage, read_write> through: array<vec4<f32>>; // z dh of t + 1
@group(0) @binding(8) var<uniform> gru_du: Scan;

fn kept_of(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(kept_given[at.x], kept_given[at.y], kept_given[at.z], kept_given[at.w]);
}

// One unit of a block; later_h has W^T dv_{t+1}.
fn step_du(block: u32, m: u32, j: u32, later_h: vec4<f32>) {
    let hidden = gru_du.hidden;
    if (j >= hidden) {
        return;
    }
    let rows = rows_of(gru_du, block, gru_du.steps - 1u - m);
    let cells = rows * hidden + j;
    let keep = rows * 4u * hidden + j;
    let r = kept_of(keep);
    let z = kept_of(keep + hidden);
    let n = kept_of(keep + 2u * hidden);
    let q = kept_of(keep + 3u * hidden);
    var now = vec4<f32>(dh[cells.x], dh[cells.y], dh[cells.z], dh[cells.w]) + later_h;
    if (m > 0u) {
        now += through[block * hidden + j];
    }
    var before = vec4<f32>(0.0);
    if (m + 1u < gru_du.steps) {
        let old = cells - hidden;
        before = vec4<f32>(h_given[old.x], h_given[old.y], h_given[old.z], h_given[old.w]);
    }
    through[block * hidden + j] = now * z;
    let dn = now * (1.0 - z) * (1.0 - n * n);
    let dr = dn * q * r * (1.0 - r);
    let dz = now * (before - n) * z * (1.0 - z);
    put(block, m, rows, j, dr, dr);
    put(block, m, rows, hidden + j, dz, dz);
    put(block, m, rows, 2u * hidden + j, dn, dn * r);
}

fn put(block: u32, m: u32, rows: vec4<u32>, gate: u32, outer: vec4<f32>, inner: vec4<f32>) {
    states[states_of(gru_du, block, m) + gate] = inner;
    let at = rows * 3u * gru_du.hidden + gate;
    for (var s = 0u; s < samples_of(gru_du, block); s++) {
        du[at[s]] = outer[s];
        dv[at[s]] = inner[s];
    }
}

@compute @workgroup_size(TOGETHER)
fn gru_scan_du(at: Invocation) {
    let mine = work(gru_du, at);
    for (var m = gru_du.first; m < gru_du.stop; m++) {
        if (samples_of(gru_du, mine.block) > 0u) {
            for (var group = mine.first; group < gru_du.groups; group += mine.step) {
                let later_h = product(gru_du, mine.block, m, group);
                step_du(mine.block, m, group * 4u, later_h[0]);
                step_du(mine.block, m, group * 4u + 1u, later_h[1]);
                step_du(mine.block, m, group * 4u + 2u, later_h[2]);
                step_du(mine.block, m, group * 4u + 3u, later_h[3]);
            }
        }
        if (WHOLE) {
            storageBarrier();
        }
    }
}
