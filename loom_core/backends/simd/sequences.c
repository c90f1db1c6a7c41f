/* Scans over time, the recurrent kernel packed once for all steps, and rotary positions. */

#include "functions.h"
#include "scan.h"

/* The packed kernel, one step's packed states (or gradients), and two states of each sample. */
double scan_scratch(const int32_t *node)
{
    const Sizes s = sizes(node);
    const double hidden = (double)rounded_up(s.hidden, PANEL_COLUMNS);
    const double gates = (double)rounded_up(s.gates, PANEL_COLUMNS);
    return hidden * gates + (double)s.batch * ((double)s.gates + 2.0 * (double)s.hidden);
}

/* z (B, gates) += h_before (B, hidden) W^T, each sample's rows `steps` apart in memory. */
static void add_recurrence(
    float *z, const float *h_before, const Sizes *s, const float *kernel, float *packed)
{
    pack_rows(packed, (Matrix){h_before, s->steps * s->hidden, 1}, s->batch, s->hidden);
    packed_product(
        z, s->steps * s->gates, packed, kernel, s->batch, s->gates, s->hidden, 1);
}

/* h_t = tanh(u_t + W h_{t-1}); u, h (B,T,H) */
void run_rnn_scan(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *u = buffer(node, 0);
    float *h = buffer(node, 2), *packed = after_kernel(&s, scratch);
    pack_columns(scratch, (Matrix){buffer(node, 1), 1, s.hidden}, s.hidden, s.gates);
    copy(h, u, s.batch * s.steps * s.hidden);
    for (extent t = 0; t < s.steps; t++) {
        float *now = h + t * s.hidden;
        if (t > 0) add_recurrence(now, now - s.hidden, &s, scratch, packed);
        for (extent b = 0; b < s.batch; b++) {
            float *state = now + b * s.steps * s.hidden;
            extent i = 0;
            for (; i + 4 <= s.hidden; i += 4) store(state + i, hyperbolic_tangent(load(state + i)));
            for (; i < s.hidden; i++) state[i] = hyperbolic_tangent(splat(state[i]))[0];
        }
    }
}

/* du_t = (1 - h_t^2) (dh_t + W^T du_{t+1}); dh, h, du (B,T,H) */
void run_rnn_scan_du(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *dh = buffer(node, 0), *h = buffer(node, 1);
    float *du = buffer(node, 3), *packed = after_kernel(&s, scratch);
    float *later = packed + s.batch * s.gates;
    pack_columns(scratch, (Matrix){buffer(node, 2), s.hidden, 1}, s.gates, s.hidden);
    fill(later, 0.0f, s.batch * s.hidden);
    for (extent t = s.steps - 1; t >= 0; t--) {
        for (extent b = 0; b < s.batch; b++)
            for (extent i = 0; i < s.hidden; i++) {
                const extent at = (b * s.steps + t) * s.hidden + i;
                du[at] = (1.0f - h[at] * h[at]) * (dh[at] + later[b * s.hidden + i]);
            }
        if (t > 0) carry_back(later, du + t * s.gates, &s, scratch, packed);
    }
}

/* Gates of one sample: z becomes i, f, g, o; c = f c_before + i g; h = o tanh(c). All four lanes
   wide; a tail runs them part-filled. */
INLINE void lstm_lanes(
    float *z, float *c, const float *c_before, float *h, extent hidden, extent at, extent count)
{
    f32x4 in[4];
    for (int k = 0; k < 4; k++) {
        float *gate = z + k * hidden + at;
        in[k] = count == 4 ? load(gate) : load_part(gate, count);
        in[k] = k == 2 ? hyperbolic_tangent(in[k]) : sigmoid(in[k]);
        if (count == 4)
            store(gate, in[k]);
        else
            store_part(gate, in[k], count);
    }
    f32x4 cell = in[0] * in[2];
    if (c_before != 0)
        cell += in[1] * (count == 4 ? load(c_before + at) : load_part(c_before + at, count));
    f32x4 state = in[3] * hyperbolic_tangent(cell);
    if (count == 4) {
        store(c + at, cell);
        store(h + at, state);
    } else {
        store_part(c + at, cell, count);
        store_part(h + at, state, count);
    }
}

/* u, gates (B,T,4H); h, c (B,T,H) */
void run_lstm_scan(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *u = buffer(node, 0);
    float *h = buffer(node, 2), *c = buffer(node, 3), *gates = buffer(node, 4);
    float *packed = after_kernel(&s, scratch);
    pack_columns(scratch, (Matrix){buffer(node, 1), 1, s.hidden}, s.hidden, s.gates);
    copy(gates, u, s.batch * s.steps * s.gates);
    for (extent t = 0; t < s.steps; t++) {
        if (t > 0)
            add_recurrence(gates + t * s.gates, h + (t - 1) * s.hidden, &s, scratch, packed);
        for (extent b = 0; b < s.batch; b++) {
            const extent row = b * s.steps + t;
            float *cell = c + row * s.hidden, *state = h + row * s.hidden;
            const float *before = t > 0 ? cell - s.hidden : 0;
            extent i = 0;
            for (; i + 4 <= s.hidden; i += 4)
                lstm_lanes(gates + row * s.gates, cell, before, state, s.hidden, i, 4);
            if (i < s.hidden)
                lstm_lanes(gates + row * s.gates, cell, before, state, s.hidden, i, s.hidden - i);
        }
    }
}

/* Gradients of one lane of one step; the caller's loop gives it four at once or one. */
INLINE void lstm_du_lanes(
    f32x4 dz[4], f32x4 *later_c, f32x4 dh, f32x4 c, f32x4 c_before, const f32x4 gate[4])
{
    const f32x4 squashed = hyperbolic_tangent(c);
    const f32x4 dc = *later_c + dh * gate[3] * (1.0f - squashed * squashed);
    dz[0] = dc * gate[2] * gate[0] * (1.0f - gate[0]);
    dz[1] = dc * c_before * gate[1] * (1.0f - gate[1]);
    dz[2] = dc * gate[0] * (1.0f - gate[2] * gate[2]);
    dz[3] = dh * squashed * gate[3] * (1.0f - gate[3]);
    *later_c = dc * gate[1];
}

static void lstm_du_row(
    float *dz, float *later_c, const float *dh, const float *later_h, const float *c,
    const float *gates, extent hidden, int first)
{
    for (extent i = 0; i < hidden; i += 4) {
        const extent count = hidden - i < 4 ? hidden - i : 4;
        const int full = count == 4;
        f32x4 gate[4], out[4], before = splat(0.0f);
        for (int k = 0; k < 4; k++) {
            const float *from = gates + k * hidden + i;
            gate[k] = full ? load(from) : load_part(from, count);
        }
        f32x4 dc = full ? load(later_c + i) : load_part(later_c + i, count);
        const f32x4 dh_now = full ? load(dh + i) + load(later_h + i)
                                  : load_part(dh + i, count) + load_part(later_h + i, count);
        const f32x4 cell = full ? load(c + i) : load_part(c + i, count);
        if (!first) before = full ? load(c + i - hidden) : load_part(c + i - hidden, count);
        lstm_du_lanes(out, &dc, dh_now, cell, before, gate);
        for (int k = 0; k < 4; k++) {
            if (full)
                store(dz + k * hidden + i, out[k]);
            else
                store_part(dz + k * hidden + i, out[k], count);
        }
        if (full)
            store(later_c + i, dc);
        else
            store_part(later_c + i, dc, count);
    }
}

/* dh, c (B,T,H); gates, du (B,T,4H) */
void run_lstm_scan_du(const int32_t *node, float *scratch)
{
    const Sizes s = sizes(node);
    const float *dh = buffer(node, 0), *c = buffer(node, 1), *gates = buffer(node, 2);
    float *du = buffer(node, 4), *packed = after_kernel(&s, scratch);
    float *later_h = packed + s.batch * s.gates, *later_c = later_h + s.batch * s.hidden;
    pack_columns(scratch, (Matrix){buffer(node, 3), s.hidden, 1}, s.gates, s.hidden);
    fill(later_h, 0.0f, 2 * s.batch * s.hidden);
    for (extent t = s.steps - 1; t >= 0; t--) {
        for (extent b = 0; b < s.batch; b++) {
            const extent row = b * s.steps + t;
            lstm_du_row(
                du + row * s.gates, later_c + b * s.hidden, dh + row * s.hidden,
                later_h + b * s.hidden, c + row * s.hidden, gates + row * s.gates, s.hidden,
                t == 0);
        }
        if (t > 0) carry_back(later_h, du + t * s.gates, &s, scratch, packed);
    }
}

/* y_t = x_{t-1}, y_0 = 0; x, y (B,T,C). Parameters: B, T, C. */
void run_shift_time(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const extent steps = whole(node, 1), width = whole(node, 2);
    if (steps == 0) return;
    for (extent b = 0; b < whole(node, 0); b++, x += steps * width, y += steps * width) {
        fill(y, 0.0f, width);
        copy(y + width, x, (steps - 1) * width);
    }
}

/* Rotate the pairs (x_k, x_{k+half}); cosines and sines (T, half) are constants at addresses 2 and
   3. x, y (B,T,heads,D). Parameters: B, T, heads, D. */
void run_rope(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0), *cosines = buffer(node, 2), *sines = buffer(node, 3);
    float *y = buffer(node, 1);
    const extent steps = whole(node, 1), heads = whole(node, 2), width = whole(node, 3);
    const extent half = width / 2, rows = whole(node, 0) * steps * heads;
    for (extent row = 0; row < rows; row++, x += width, y += width) {
        const extent t = row / heads % steps;
        const float *c = cosines + t * half, *s = sines + t * half;
        extent k = 0;
        for (; k + 4 <= half; k += 4) {
            const f32x4 a = load(x + k), b = load(x + half + k);
            store(y + k, a * load(c + k) - b * load(s + k));
            store(y + half + k, b * load(c + k) + a * load(s + k));
        }
        for (; k < half; k++) {
            y[k] = x[k] * c[k] - x[half + k] * s[k];
            y[half + k] = x[half + k] * c[k] + x[k] * s[k];
        }
        if (width % 2) y[width - 1] = x[width - 1];
    }
}
