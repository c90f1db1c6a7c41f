/* Runs a stretch of a plan's nodes in one call. */

#include "record.h"

/* The name is in every build, so that a library of another format is refused and never run. */
int32_t record_format(void);
int32_t run(const int32_t *records, int32_t words, float *scratch);
int32_t run_steps(
    const int32_t *records, int32_t words, float *scratch, const int32_t *feeds);
double scratch_floats(const int32_t *records, int32_t words);

enum {
#define KERNEL(name, scratch) KERNEL_##name,
#include "kernels.inc"
#undef KERNEL
};

int32_t record_format(void) { return RECORD_FORMAT; }

double no_scratch(const int32_t *node)
{
    (void)node;
    return 0.0;
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

/* The most working memory that any one of the records needs, in floats; -1 where a record names no
   kernel. */
double scratch_floats(const int32_t *records, int32_t words)
{
    double most = 0.0;
    for (int32_t at = 0; at < words; at += records[at + 1]) {
        double needed = 0.0;
        switch (records[at]) {
#define KERNEL(name, scratch_of)                                                                   \
    case KERNEL_##name:                                                                            \
        needed = scratch_of(records + at);                                                         \
        break;
#include "kernels.inc"
#undef KERNEL
        default:
            return -1.0;
        }
        if (needed > most) most = needed;
    }
    return most;
}

/* Copy rows of a table by their numbers. Rows that follow one another, as they do where nothing is
   shuffled, go in one piece. */
static void pick(float *to, const float *table, const int32_t *numbers, extent rows, extent width)
{
    for (extent row = 0, together; row < rows; row += together) {
        const int32_t first = numbers[row];
        together = 1;
        while (row + together < rows && numbers[row + together] == first + together) together++;
        copy(to + row * width, table + first * width, together * width);
    }
}

static int same(const int32_t *a, const int32_t *b, extent count)
{
    for (extent i = 0; i < count; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

/* Run whole steps without coming back between them: give each step its data, run the records, note
   what is reported, and stop after a step that is halted.

   feeds is laid out as a record. Addresses: of halted; for each port that is written where it lies,
   its table, and the numbers of the rows that each step takes (null: one row a step, in order); for
   each port that is reported where it lies, and where its values of all steps go. Parameters: the
   first step, the one after the last, how many ports are written; for each port its floats in a
   step; for each written one its rows in a step. A port that is to hold what it held in the step
   before is left alone: no plan writes into its inputs. Returns the count of steps that ran, or -1
   where a record names no kernel. */
int32_t run_steps(
    const int32_t *records, int32_t words, float *scratch, const int32_t *feeds)
{
    const float *halted = buffer(feeds, 0);
    const int written = (int)whole(feeds, 2), addresses = (int)feeds[2];
    const int ports = written + (addresses - 1 - 3 * written) / 2;
    const extent start = whole(feeds, 0), stop = whole(feeds, 1);
    for (extent step = start; step < stop; step++) {
        for (int port = 0; port < written; port++) {
            const extent count = whole(feeds, 3 + port), rows = whole(feeds, 3 + ports + port);
            float *to = buffer(feeds, 1 + 3 * port);
            const float *table = buffer(feeds, 2 + 3 * port);
            const int32_t *numbers = (const int32_t *)buffer(feeds, 3 + 3 * port);
            if (!numbers) {
                copy(to, table + step * count, count);
                continue;
            }
            numbers += step * rows;
            if (step > start && same(numbers, numbers - rows, rows)) continue;
            pick(to, table, numbers, rows, count / rows);
        }
        if (run(records, words, scratch) >= 0) return -1;
        for (int port = written; port < ports; port++) {
            const extent count = whole(feeds, 3 + port);
            const int at = 1 + written + 2 * port;
            copy(buffer(feeds, at + 1) + step * count, buffer(feeds, at), count);
        }
        if (*halted != 0.0f) return (int32_t)(step - start + 1);
    }
    return (int32_t)(stop - start);
}
