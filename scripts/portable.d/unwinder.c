/* What Debian's libgcc_eh.a, built for the GNU C library, wants of it and musl does not have.
 *
 * _dl_find_object finds the unwind tables of the object that holds an address. The threads'
 * functions are named because libgcc_eh.a names them weakly, which takes none of them out of a
 * static libc.a: the unwinder would call null. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

const void *const unwinder_needs[] = {
    pthread_getspecific,  pthread_key_create, pthread_mutex_lock,
    pthread_mutex_unlock, pthread_once,       pthread_setspecific,
};

struct search {
    uintptr_t address;
    struct dl_find_object *found;
};

static int look(struct dl_phdr_info *object, size_t size, void *context)
{
    struct search *search = context;
    uintptr_t tables = 0, start = 0, end = 0;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t from = object->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_GNU_EH_FRAME)
            tables = from;
        if (part->p_type == PT_LOAD && search->address - from < part->p_memsz) {
            start = from;
            end = from + part->p_memsz;
        }
    }
    if (!end || !tables)
        return 0;
    *search->found = (struct dl_find_object){
        .dlfo_map_start = (void *)start,
        .dlfo_map_end = (void *)end,
        .dlfo_eh_frame = (void *)tables,
    };
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *found)
{
    struct search search = {(uintptr_t)address, found};

    return dl_iterate_phdr(look, &search) ? 0 : -1;
}
