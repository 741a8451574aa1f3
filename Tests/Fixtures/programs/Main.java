// What programs in Java do: threads, a child, files, a pair of pipes.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

public class Main {
    record Point(int x, int y) {}

    public static void main(String[] arguments) throws Exception {
        var pool = Executors.newFixedThreadPool(3);
        System.out.println("threads " + pool.submit(() -> 42).get());
        pool.shutdown();
        Files.writeString(Path.of("/tmp/a.txt"), "text");
        System.out.println("files " + Files.size(Path.of("/tmp/a.txt")));
        var process = new ProcessBuilder("/bin/echo", "child").start();
        System.out.print("exec " + new String(process.getInputStream().readAllBytes()));
        System.out.println("exit " + process.waitFor());
        System.out.println(new Point(1, 2));
    }
}
