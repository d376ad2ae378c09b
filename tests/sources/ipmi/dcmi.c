/* A module for OpenIPMI's ipmi_sim: DCMI's Get Power Reading, which it does not have itself.
 *
 * loadlib "dcmi.so" "FILE": FILE holds the watts, and behind them 1 if power is measured, 0 if not.
 *
 * Sources: DCMI 1.5 specification, table 6-16 (Get Power Reading); OpenIPMI's ipmi_sim(1), loadlib,
 * and its header OpenIPMI/mcserv.h.
 */
#include <stdio.h>
#include <string.h>
#include <OpenIPMI/ipmi_err.h>
#include <OpenIPMI/mcserv.h>
#include <OpenIPMI/serv.h>

#define DCMI 0xdc
#define GET_POWER_READING 0x02
#define MEASURED 0x40
#define PERIOD_MS 1000

static char file[4096];

static void put(unsigned char *at, unsigned long value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = value >> (8 * i) & 0xff;
}

static void answer(lmc_data_t *mc, msg_t *msg, unsigned char *data, unsigned int *length, void *unused)
{
    unsigned watts = 0, measured = 0;
    FILE *open;

    if (msg->cmd != GET_POWER_READING) {
        data[0] = IPMI_INVALID_CMD_CC;
        *length = 1;
        return;
    }
    open = fopen(file, "r");
    if (!open || fscanf(open, "%u %u", &watts, &measured) != 2) {
        data[0] = IPMI_NODE_BUSY_CC;
        *length = 1;
    } else {
        memset(data, 0, 19);
        data[1] = DCMI;
        for (int figure = 0; figure < 4; figure++) /* now, least, most, mean */
            put(data + 2 + 2 * figure, watts, 2);
        put(data + 14, PERIOD_MS, 4); /* the four bytes before it say when: 1970, as OpenBMC */
        data[18] = measured ? MEASURED : 0;
        *length = 19;
    }
    if (open)
        fclose(open);
}

int ipmi_sim_module_print_version(sys_data_t *sys, char *options)
{
    return 0;
}

int ipmi_sim_module_init(sys_data_t *sys, const char *options)
{
    snprintf(file, sizeof(file), "%s", options);
    ipmi_emu_register_group_extension_handler(DCMI, answer, NULL);
    return 0;
}
