import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.stream.*;

/** A job for the JVM: words from standard input, counted by threads and in a second JVM, and written to a file.
 *  Built with `javac --release 11 Work.java`, as the Java runtime that the tests use carries no compiler. */
public final class Work {
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1 && arguments[0].equals("child")) {
            System.out.println("child of " + System.getProperty("java.specification.version"));
            System.exit(42);
        }
        byte[] input = System.in.readAllBytes();
        String text = new String(input, StandardCharsets.UTF_8);
        Map<String, Long> counts = Arrays.stream(text.split("\\s+")).parallel()
                .collect(Collectors.groupingBy(w -> w, TreeMap::new, Collectors.counting()));
        String digest = String.format("%064x",
                new java.math.BigInteger(1, MessageDigest.getInstance("SHA-256").digest(input)));
        Path written = Path.of("counts-\u00e9.txt");
        Files.write(written, (counts + "\n").getBytes(StandardCharsets.UTF_8));
        System.out.println(counts.size() + " words, sha256 " + digest);
        System.out.println("arguments " + Arrays.toString(arguments));

        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process child = new ProcessBuilder(java, "-cp", ".", "Work", "child").redirectErrorStream(true).start();
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        System.out.println(said + ", exit " + child.waitFor());
        System.exit(Files.size(written) > 0 ? 3 : 4);
    }
}
