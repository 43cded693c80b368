//! Tests: order, limits and patience of a send queue, on real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::reader::{READ_BYTES, READ_PERIOD};
use super::*;

async fn queue() -> (Arc<SendQueue>, SocketReader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let patience = SendPatience {
        deaf: Duration::from_millis(20),
        stuck: Duration::from_millis(200),
    };
    let (queue, reader) = SendQueue::with_patience(socket, false, patience);
    (queue, reader, client)
}

async fn hear(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    client.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn events_come_before_the_frame_and_in_order() {
    let (queue, _reader, mut client) = queue().await;
    queue.event(Bytes::from_static(b"one"));
    queue.event(Bytes::from_static(b"two"));
    queue.frame(b"frame");
    tokio::spawn(async move { queue.run().await });
    assert_eq!(
        hear(&mut client, 17).await,
        b"\x82\x03one\x82\x03two\x82\x05frame"
    );
}

#[tokio::test]
async fn no_frame_is_accepted_while_one_is_stuck_and_every_byte_arrives() {
    let (queue, _reader, mut client) = queue().await;
    let frame = vec![7; 60_000];
    let mut sent = 0_usize;
    queue.socket.writable().await.unwrap();
    while queue.is_free() {
        queue.frame(&frame);
        sent += 1;
    }
    let writer = Arc::clone(&queue);
    tokio::spawn(async move { writer.run().await });
    for _ in 0..sent {
        assert_eq!(hear(&mut client, 4).await, [0x82, 126, 0xea, 0x60]);
        assert_eq!(hear(&mut client, frame.len()).await, frame);
    }
    queue.event(Bytes::from_static(b"on we go"));
    queue.flush();
    assert_eq!(hear(&mut client, 10).await, b"\x82\x08on we go");
}

/// Fills all buffers between here and the client.
async fn stuff(queue: &SendQueue) {
    let frame = vec![7; 60_000];
    queue.socket.writable().await.unwrap();
    while queue.is_free() {
        queue.frame(&frame);
    }
}

#[tokio::test]
async fn waiting_events_are_bounded_and_the_client_stays_connected() {
    let (queue, _reader, mut client) = queue().await;
    stuff(&queue).await;
    for _ in 0..100_000 {
        queue.event(Bytes::from_static(&[0; 100]));
    }
    assert!(!queue.is_closing());
    assert!(queue.waiting.lock().events.len() * 100 <= EVENT_BYTES);
    assert!(
        queue.has_missed() && !queue.take_missed(),
        "not before the waiting bytes are sent"
    );
    let writer = Arc::clone(&queue);
    tokio::spawn(async move { writer.run().await });
    while !queue.take_missed() {
        let mut bytes = [0; 8 * 1024];
        tokio::select! {
            read = client.read(&mut bytes) => assert!(read.unwrap() > 0),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(!queue.has_missed());
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_no_longer_read_and_then_closed() {
    let (queue, mut reader, mut client) = queue().await;
    stuff(&queue).await;
    let began = Instant::now();
    let reading = async {
        while !queue.is_stuck.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        client.write_all(b"hello?").await.unwrap();
        let mut bytes = [0; 6];
        reader.read_exact(&mut bytes).await
    };
    tokio::select! {
        goodbye = queue.run() => assert_eq!(goodbye, Some(too_slow())),
        read = reading => panic!("it is read: {read:?}"),
    }
    assert!(began.elapsed() >= queue.patience.stuck);
}

#[tokio::test]
async fn a_socket_that_takes_something_now_and_then_stays_and_is_read() {
    let (queue, mut reader, mut client) = queue().await;
    stuff(&queue).await;
    client.write_all(b"hello!").await.unwrap();
    let began = Instant::now();
    let reading = async {
        let mut bytes = vec![0; 64 * 1024];
        while began.elapsed() < queue.patience.stuck * 2 {
            queue.reply(Bytes::from_static(&[0; 100]));
            assert!(client.read(&mut bytes).await.unwrap() > 0);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        goodbye = queue.run() => panic!("given up: {goodbye:?}"),
        () = reading => {}
    }
    let mut bytes = [0; 6];
    reader.read_exact(&mut bytes).await.unwrap();
}

#[tokio::test]
async fn however_many_pings_arrive_one_pong_is_queued() {
    let (queue, _reader, _client) = queue().await;
    stuff(&queue).await;
    let before = queue.waiting.lock().rest.len();
    for number in 0..100_000_u32 {
        let mut pong = vec![0x8a, 4];
        pong.extend(number.to_be_bytes());
        queue.answer(&pong);
        queue.ping();
    }
    let waiting = queue.waiting.lock();
    assert_eq!(waiting.rest.len(), before);
    assert_eq!(
        waiting.pong.as_deref(),
        Some(&[0x8a, 4, 0, 1, 0x86, 0x9f][..])
    );
}

#[tokio::test]
async fn bytes_that_arrive_too_fast_wait_with_the_sender() {
    let (_queue, mut reader, mut client) = queue().await;
    tokio::spawn(async move { client.write_all(&vec![1; READ_BYTES * 3]).await });
    let began = Instant::now();
    let mut bytes = vec![0; READ_BYTES * 3];
    reader.read_exact(&mut bytes).await.unwrap();
    assert!(began.elapsed() >= READ_PERIOD);
}

#[tokio::test]
async fn one_large_event_is_let_through() {
    let (queue, _reader, _client) = queue().await;
    queue.event(Bytes::from(vec![0; EVENT_BYTES * 2]));
    assert!(!queue.is_closing());
}

#[tokio::test]
async fn the_close_frame_is_last() {
    let (queue, reader, mut client) = queue().await;
    queue.event(Bytes::from_static(b"one"));
    queue.close(close::LEFT, "left");
    let goodbye = queue.run().await.unwrap();
    assert_eq!(goodbye.code, close::LEFT);
    queue.answer(b"\x88\x02\x03\xe8");
    drop((queue, reader));
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(
        heard, b"\x82\x03one\x88\x06\x03\xe8left",
        "and nothing follows"
    );
}
