/* Runs a stretch of a plan's nodes in one call. */

#include "record.h"

/* The name is in every build, so that a library of another format is refused and never run. */
int32_t record_format(void);
int32_t run(const int32_t *records, int32_t words, float *scratch);
int32_t run_steps(
    const int32_t *records, int32_t words, float *scratch, const int32_t *feeds);
int32_t scratch_floats(const int32_t *records, int32_t words);

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

/* Run whole steps without coming back between them: give each step its data, run the records, note
   what is reported, and stop after a step that is halted.

   feeds is laid out as a record. Addresses: of halted, then for each port where it lies, and where
   the values of all steps lie one after another, first the ports that are written, then those
   that are reported. Parameters: the count of steps, that of written ports, then for each port
   its floats in a step. Returns the count of steps that ran. */
int32_t run_steps(
    const int32_t *records, int32_t words, float *scratch, const int32_t *feeds)
{
    const float *halted = buffer(feeds, 0);
    const int ports = (int)(feeds[2] - 1) / 2, written = (int)whole(feeds, 1);
    const extent steps = whole(feeds, 0);
    for (extent step = 0; step < steps; step++) {
        for (int port = 0; port < written; port++) {
            const extent count = whole(feeds, 2 + port);
            copy(buffer(feeds, 1 + 2 * port), buffer(feeds, 2 + 2 * port) + step * count, count);
        }
        run(records, words, scratch);
        for (int port = written; port < ports; port++) {
            const extent count = whole(feeds, 2 + port);
            copy(buffer(feeds, 2 + 2 * port) + step * count, buffer(feeds, 1 + 2 * port), count);
        }
        if (*halted != 0.0f) return (int32_t)(step + 1);
    }
    return (int32_t)steps;
}
