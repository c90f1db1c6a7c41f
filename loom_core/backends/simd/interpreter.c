/* Runs a stretch of a plan's nodes in one call. */

#include "record.h"

/* The name is in every build, so that a library of another format is refused and never run. */
int32_t record_format(void);
int32_t run(const int32_t *records, int32_t words, float *scratch);
int32_t scratch_floats(const int32_t *records, int32_t words);
int32_t run_steps(
    const int32_t *first, int32_t first_words, const int32_t *then, int32_t then_words,
    float *scratch, const int32_t *feeds);

enum {
#define KERNEL(name, scratch) KERNEL_##name,
#include "kernels.inc"
#undef KERNEL
};

int32_t record_format(void) { return RECORD_FORMAT; }

extent no_scratch(const int32_t *node)
{
    (void)node;
    return 0;
}

/* Run all records, one after another. Returns -1, or where a record names no kernel. */
int32_t run(const int32_t *records, int32_t words, float *scratch)
{
    for (int32_t at = 0; at < words; at += records[at + 1]) {
        switch (records[at]) {
#define KERNEL(name, scratch_of)                                                                   \
    case KERNEL_##name:                                                                            \
        run_##name(records + at, scratch);                                                         \
        break;
#include "kernels.inc"
#undef KERNEL
        default:
            return at;
        }
    }
    return -1;
}

/* The most working memory that any one of the records needs, in floats; -1 when it is too much. */
int32_t scratch_floats(const int32_t *records, int32_t words)
{
    extent most = 0;
    for (int32_t at = 0; at < words; at += records[at + 1]) {
        extent needed = 0;
        switch (records[at]) {
#define KERNEL(name, scratch_of)                                                                   \
    case KERNEL_##name:                                                                            \
        needed = scratch_of(records + at);                                                         \
        break;
#include "kernels.inc"
#undef KERNEL
        default:
            return -1;
        }
        if (needed > most) most = needed;
    }
    return most <= INT32_MAX ? (int32_t)most : -1;
}

/* Run whole steps without coming back between them: give each step its data, run the first records,
   look at the number that they leave, and run the others only where it is finite.

   feeds is laid out as a record. Addresses: of the number (the loss), of the list of what it was in
   each step, then for each port where its data goes, and where those of all steps lie one after
   another. Parameters: the count of steps, then for each port its floats in a step. Returns the
   number of whole steps; where that is less than asked for, the list holds one number more. */
int32_t run_steps(
    const int32_t *first, int32_t first_words, const int32_t *then, int32_t then_words,
    float *scratch, const int32_t *feeds)
{
    const float *loss = buffer(feeds, 0);
    float *losses = buffer(feeds, 1);
    const int ports = (int)(feeds[2] - 2) / 2;
    const extent steps = whole(feeds, 0);
    for (extent step = 0; step < steps; step++) {
        for (int port = 0; port < ports; port++) {
            const extent count = whole(feeds, 1 + port);
            copy(buffer(feeds, 2 + 2 * port), buffer(feeds, 3 + 2 * port) + step * count, count);
        }
        run(first, first_words, scratch);
        losses[step] = *loss;
        if (!(*loss - *loss == 0.0f)) return (int32_t)step;
        run(then, then_words, scratch);
    }
    return (int32_t)steps;
}
