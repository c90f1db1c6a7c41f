/* What the scans over time share: their sizes, and where the packed recurrent kernel ends. */

#ifndef LOOM_SCAN_H
#define LOOM_SCAN_H

#include "gemm.h"
#include "record.h"

/* Parameters: batch B, steps T, hidden H, and the kernel's rows G (H, 3 H for the GRU, 4 H for the
   LSTM). */
typedef struct {
    extent batch, steps, hidden, gates;
} Sizes;

INLINE Sizes sizes(const int32_t *node)
{
    return (Sizes){whole(node, 0), whole(node, 1), whole(node, 2), whole(node, 3)};
}

/* Behind the packed kernel: one step's packed states (or gradients), then states of each sample. */
INLINE float *after_kernel(const Sizes *s, float *scratch)
{
    return scratch + rounded_up(s->hidden, PANEL_COLUMNS) * rounded_up(s->gates, PANEL_COLUMNS);
}

/* later (B, hidden) = du_t (B, gates) W */
INLINE void carry_back(
    float *later, const float *du, const Sizes *s, const float *kernel, float *packed)
{
    pack_rows(packed, (Matrix){du, s->steps * s->gates, 1}, s->batch, s->gates);
    packed_product(later, s->hidden, packed, kernel, s->batch, s->hidden, s->gates, 0);
}

#endif
