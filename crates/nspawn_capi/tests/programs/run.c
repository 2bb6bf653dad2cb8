/* run CONFIG STATE: runs the config in the file CONFIG, with all state kept in STATE. Prints the steps, what the call
   returned, and its result. */
#include "check.h"
#include "hostcompute_nspawn.h"

#include <string.h>

static char config[1 << 20];

static void step(void *count, const char *line)
{
    ++*(int *)count;
    printf("step %s\n", line);
}

int main(int count, char **arguments)
{
    hostcompute_nspawn_options options;
    hostcompute_nspawn_result result;
    int steps = 0, code;
    FILE *file;

    CHECK(count == 3);
    file = fopen(arguments[1], "rb");
    CHECK(file != NULL);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.config_json = config;
    options.config_json_len = fread(config, 1, sizeof config, file);
    options.state_directory = arguments[2];
    options.step = step;
    options.context = &steps;
    fclose(file);
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;

    code = hostcompute_nspawn_run(&options, &result);
    printf("steps %d\n", steps);
    printf("returned %d\n", code);
    printf("exit_status %u\n", (unsigned)result.exit_status);
    printf("exited %u\n", (unsigned)result.exited);
    printf("exit_code %u\n", (unsigned)result.exit_code);
    printf("error %s\n", result.error != NULL ? result.error : "");
    printf("report %s\n", result.report_json != NULL ? result.report_json : "");
    hostcompute_nspawn_free(result.error);
    hostcompute_nspawn_free(result.report_json);
    return 0;
}
