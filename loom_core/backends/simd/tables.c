/* Rows of a table by number. Numbers are floats, truncated toward zero; those that name no row of
   the table (NaN and infinity among them) give zeros and take no gradient. */

#include "record.h"

/* The row that an id names, or -1. Comparisons with NaN are false. */
static extent row_of(float id, extent rows)
{
    return id > -1.0f && id < (float)rows ? (extent)id : -1;
}

/* y[n,:] = table[ids[n],:]; table (rows, width), ids (count). Parameters: rows, width, count. */
void run_gather_rows(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *table = buffer(node, 0), *ids = buffer(node, 1);
    float *y = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1), count = whole(node, 2);
    for (extent n = 0; n < count; n++, y += width) {
        const extent row = row_of(ids[n], rows);
        if (row < 0)
            fill(y, 0.0f, width);
        else
            copy(y, table + row * width, width);
    }
}

/* dtable[ids[n],:] += dy[n,:], from zero. Parameters: rows, width, count. */
void run_scatter_add_rows(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *ids = buffer(node, 1);
    float *table = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1), count = whole(node, 2);
    fill(table, 0.0f, rows * width);
    for (extent n = 0; n < count; n++, dy += width) {
        const extent row = row_of(ids[n], rows);
        if (row < 0) continue;
        float *sums = table + row * width;
        extent i = 0;
        for (; i + 4 <= width; i += 4) store(sums + i, load(sums + i) + load(dy + i));
        for (; i < width; i++) sums[i] += dy[i];
    }
}
