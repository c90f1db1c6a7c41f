/* The scan of a gated recurrent unit and its gradient. */

#include "functions.h"
#include "scan.h"

/* A vector of the hidden units from one on, the last one perhaps part-filled. */
INLINE f32x4 units(const float *from, extent count)
{
    return count == 4 ? load(from) : load_part(from, count);
}

INLINE void put_units(float *to, f32x4 x, extent count)
{
    if (count == 4)
        store(to, x);
    else
        store_part(to, x, count);
}

INLINE extent units_from(extent i, extent hidden) { return hidden - i < 4 ? hidden - i : 4; }

/* One step of one sample; carried has W h_before, whose parts and those of u are r, z, n. */
INLINE void gru_units(
    const float *u, const float *b, const float *carried, const float *before, float *h, float *kept,
    extent hidden, extent i, extent count)
{
    const f32x4 r = sigmoid(units(u + i, count) + units(carried + i, count));
    const f32x4 z = sigmoid(units(u + hidden + i, count) + units(carried + hidden + i, count));
    const f32x4 q = units(carried + 2 * hidden + i, count) + units(b + i, count);
    const f32x4 n = hyperbolic_tangent(units(u + 2 * hidden + i, count) + r * q);
    const f32x4 old = before ? units(before + i, count) : splat(0.0f);
    put_units(h + i, n + z * (old - n), count);
    put_units(kept + i, r, count);
    put_units(kept + hidden + i, z, count);
    put_units(kept + 2 * hidden + i, n, count);
    put_units(kept + 3 * hidden + i, q, count);
}

/* u (B,T,3H), b (H); h (B,T,H), kept (B,T,4H) */
void run_gru_scan(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *u = buffer(node, 0), *b = buffer(node, 1);
    float *h = buffer(node, 3), *kept = buffer(node, 4), *packed = after_kernel(&s, scratch);
    float *carried = packed + s.batch * s.hidden;
    pack_columns(scratch, (Matrix){buffer(node, 2), 1, s.hidden}, s.hidden, s.gates);
    fill(carried, 0.0f, s.batch * s.gates);
    for (extent t = 0; t < s.steps; t++) {
        if (t > 0) {
            const Matrix before = {h + (t - 1) * s.hidden, s.steps * s.hidden, 1};
            pack_rows(packed, before, s.batch, s.hidden);
            packed_product(
                carried, s.gates, packed, scratch, s.batch, s.gates, s.hidden, 0);
        }
        for (extent sample = 0; sample < s.batch; sample++) {
            const extent row = sample * s.steps + t;
            const float *from = u + row * s.gates, *sums = carried + sample * s.gates;
            float *state = h + row * s.hidden, *keep = kept + row * 4 * s.hidden;
            const float *before = t > 0 ? state - s.hidden : 0;
            for (extent i = 0; i < s.hidden; i += 4)
                gru_units(
                    from, b, sums, before, state, keep, s.hidden, i, units_from(i, s.hidden));
        }
    }
}

/* Gradients of one step of one sample. later_h has W^T dv_{t+1}, through what h passes on by z; the
   first step has no state before. */
INLINE void gru_du_units(
    float *du, float *dv, float *through, const float *dh, const float *later_h, const float *h,
    const float *kept, extent hidden, int first, extent i, extent count)
{
    const f32x4 r = units(kept + i, count), z = units(kept + hidden + i, count);
    const f32x4 n = units(kept + 2 * hidden + i, count), q = units(kept + 3 * hidden + i, count);
    const f32x4 old = first ? splat(0.0f) : units(h + i - hidden, count);
    const f32x4 now =
        units(dh + i, count) + units(later_h + i, count) + units(through + i, count);
    const f32x4 dn = now * (1.0f - z) * (1.0f - n * n);
    const f32x4 dr = dn * q * r * (1.0f - r), dz = now * (old - n) * z * (1.0f - z);
    put_units(du + i, dr, count);
    put_units(du + hidden + i, dz, count);
    put_units(du + 2 * hidden + i, dn, count);
    put_units(dv + i, dr, count);
    put_units(dv + hidden + i, dz, count);
    put_units(dv + 2 * hidden + i, dn * r, count);
    put_units(through + i, now * z, count);
}

/* dh, h (B,T,H), kept (B,T,4H); du, dv (B,T,3H) */
void run_gru_scan_du(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *dh = buffer(node, 0), *h = buffer(node, 1), *kept = buffer(node, 2);
    float *du = buffer(node, 4), *dv = buffer(node, 5), *packed = after_kernel(&s, scratch);
    float *later_h = packed + s.batch * s.gates, *through = later_h + s.batch * s.hidden;
    pack_columns(scratch, (Matrix){buffer(node, 3), s.hidden, 1}, s.gates, s.hidden);
    fill(later_h, 0.0f, 2 * s.batch * s.hidden);
    for (extent t = s.steps - 1; t >= 0; t--) {
        for (extent sample = 0; sample < s.batch; sample++) {
            const extent row = sample * s.steps + t;
            for (extent i = 0; i < s.hidden; i += 4)
                gru_du_units(
                    du + row * s.gates, dv + row * s.gates, through + sample * s.hidden,
                    dh + row * s.hidden, later_h + sample * s.hidden, h + row * s.hidden,
                    kept + row * 4 * s.hidden, s.hidden, t == 0, i, units_from(i, s.hidden));
        }
        if (t > 0) carry_back(later_h, dv + t * s.gates, &s, scratch, packed);
    }
}
