/* Says what it is: what it was compiled for and on, and what the kernel says of the machine that runs it. */
#include <stdio.h>
#include <sys/utsname.h>

/* Machines by their number in an ELF header (e_machine), from the ELF specification. */
static const struct {
    int number;
    const char *name;
} machines[] = {{3, "x86"}, {40, "ARM"}, {62, "x86-64"}, {183, "AArch64"}, {243, "RISC-V"}};

static const char *name_of(int number)
{
    for (unsigned i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].number == number)
            return machines[i].name;
    return "unknown";
}

int main(void)
{
    unsigned char header[20];
    struct utsname here;
    FILE *self = fopen("/proc/self/exe", "rb");

    if (!self || fread(header, 1, sizeof header, self) != sizeof header || uname(&here) != 0) {
        perror("hello");
        return 1;
    }
    fclose(self);
    int number = header[18] | header[19] << 8;
    printf("Hello from a %d-bit %s program (ELF machine %d), built on %s, running on %s.\n",
           (int)sizeof(void *) * 8, name_of(number), number, BUILT_ON, here.machine);
    return 0;
}
