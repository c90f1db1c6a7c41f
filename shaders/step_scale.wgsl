// needs: grid, functions, row_totals

// step_scale: from the loss and the squared norms of the gradients (count), whether a step may
// happen and how much of the gradients it takes; loom_core/graph/ops/updates.py says more. What is
// not finite is recognised by its bits, and NaN written by its bits, as compilers may assume that
// none occurs.
//
// One workgroup, whose LANES share the norms; a few hundred numbers at most, so latency is the
// bound. Workgroup memory is 1 KB; registers do not matter to a single workgroup.

@group(0) @binding(0) var<storage, read> loss: array<u32>;
@group(0) @binding(1) var<storage, read> norms: array<f32>;
@group(0) @binding(2) var<storage, read> limit: array<f32>;
@group(0) @binding(3) var<storage, read_write> halted: array<f32>;
@group(0) @binding(4) var<storage, read_write> scale: array<u32>;
@group(0) @binding(5) var<storage, read_write> norm: array<f32>;
@group(0) @binding(6) var<uniform> count: u32;

const QUIET_NAN = 0x7fc00000u;

// Norms above this are added as so many parts, that their sum stays a float.
const LARGE: f32 = 1e30;
const PART: f32 = 5.9604644775390625e-8; // 2^-24
const ROOT_OF_PARTS: f32 = 4096.0;

@compute @workgroup_size(LANES, ROWS)
fn step_scale(at: Invocation) {
    let p = place(at);
    let stop = select(0u, count, p.row == 0u);
    var most = LOWEST;
    for (var i = p.lane; i < stop; i += LANES) {
        most = larger(most, norms[i]);
    }
    let large = row_largest(p, most) > LARGE;
    var sum = Sum();
    var lost = Sum();
    for (var i = p.lane; i < stop; i += LANES) {
        add_to(&sum, norms[i] * select(1.0, PART, large));
        add_to(&lost, select(1.0, 0.0, is_finite(norms[i])));
    }
    let root = sqrt(row_total(p, sum)) * select(1.0, ROOT_OF_PARTS, large);
    let all_finite = row_total(p, lost) == 0.0 && is_finite(root);
    if (p.row == 0u && p.lane == 0u) {
        norm[0] = root;
        let loss_finite = (loss[0] & 0x7f800000u) != 0x7f800000u;
        if (all_finite && loss_finite && halted[0] == 0.0) {
            let clipped = limit[0] > 0.0 && root > limit[0];
            scale[0] = bitcast<u32>(select(1.0, limit[0] / root, clipped));
        } else {
            halted[0] = 1.0;
            scale[0] = QUIET_NAN;
        }
    }
}
