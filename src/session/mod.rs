//! Sans-IO machines: each mode of udpkit as a state machine fed with time and bytes.
