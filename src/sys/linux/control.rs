//! Control messages (cmsg(3)): written for sends, parsed after receives.

/// Buffer size in bytes for one datagram's control messages: more than all that udpkit requests.
pub(super) const SPACE: usize = 320;

/// One datagram's control messages, aligned as the kernel requires.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct ControlBuffer(pub [u8; SPACE]);

impl ControlBuffer {
    pub const EMPTY: Self = Self([0; SPACE]);
}

/// Appends control messages to a buffer.
pub(super) struct ControlWriter<'a> {
    buffer: &'a mut ControlBuffer,
    used: usize,
}

impl<'a> ControlWriter<'a> {
    pub fn new(buffer: &'a mut ControlBuffer) -> Self {
        Self { buffer, used: 0 }
    }

    /// Appends one message. The value is a plain kernel type.
    pub fn push<T: Copy>(&mut self, level: libc::c_int, kind: libc::c_int, value: T) {
        let size = size_of::<T>() as u32;
        // SAFETY: CMSG_SPACE and CMSG_LEN are arithmetic on their argument.
        let (space, len) =
            unsafe { (libc::CMSG_SPACE(size) as usize, libc::CMSG_LEN(size) as usize) };
        assert!(self.used + space <= SPACE, "control buffer too small");
        // SAFETY: a header is integers; musl's has one more, which must be zero, in the place of the
        // upper half of the length.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = len as _;
        header.cmsg_level = level;
        header.cmsg_type = kind;
        #[expect(clippy::cast_ptr_alignment, reason = "aligned, as said below")]
        // SAFETY: the assertion leaves `space` bytes at `used`; the buffer is aligned to 8 and
        // every message's space is a multiple of that, so the header is aligned; the value's place
        // is written unaligned.
        unsafe {
            let at = self.buffer.0.as_mut_ptr().add(self.used).cast::<libc::cmsghdr>();
            at.write(header);
            libc::CMSG_DATA(at).cast::<T>().write_unaligned(value);
        }
        self.used += space;
    }

    /// Bytes written.
    pub fn len(&self) -> usize {
        self.used
    }
}

/// One control message that the kernel wrote.
pub(super) struct ControlMessage<'a> {
    pub level: libc::c_int,
    pub kind: libc::c_int,
    pub bytes: &'a [u8],
}

impl ControlMessage<'_> {
    /// The value as a plain kernel type; `None` when the message is too short for it.
    pub fn value<T: Copy>(&self) -> Option<T> {
        if self.bytes.len() < size_of::<T>() {
            return None;
        }
        // SAFETY: the length was checked; T is a plain kernel type for which any bits are valid;
        // the read does not ask for alignment.
        Some(unsafe { self.bytes.as_ptr().cast::<T>().read_unaligned() })
    }
}

/// Calls `each` for every control message of a filled header.
///
/// # Safety
///
/// `header` must be as the kernel left it after a successful receive, its control pointer and
/// length still naming initialised memory that outlives the call.
pub(super) unsafe fn for_each(header: &libc::msghdr, mut each: impl FnMut(ControlMessage<'_>)) {
    // SAFETY: the caller vouches for the header; the macros stay within msg_controllen, and the
    // kernel wrote whole messages, so each data pointer has cmsg_len - CMSG_LEN(0) bytes behind it.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() {
            let len = ((*at).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            let bytes = std::slice::from_raw_parts(libc::CMSG_DATA(at), len);
            each(ControlMessage { level: (*at).cmsg_level, kind: (*at).cmsg_type, bytes });
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
}
