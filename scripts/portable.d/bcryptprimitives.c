/* The one function of bcryptprimitives.dll that Rust's std takes, for hash keys: wine 8 lacks it.
 * For tests alone: it lies beside the program, and WINEDLLOVERRIDES=bcryptprimitives=n picks it. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{
    return RtlGenRandom(bytes, (ULONG)count);
}
