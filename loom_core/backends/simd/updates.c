/* Optimizer steps: a parameter changes in place. Parameters of the record: count. */

#include "record.h"

/* w -= rate dw */
void run_sgd(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0);
    const float *dw = buffer(node, 1), rate = *buffer(node, 2);
    const extent count = whole(node, 0);
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(w + i, load(w + i) - load(dw + i) * rate);
    for (; i < count; i++) w[i] -= dw[i] * rate;
}
