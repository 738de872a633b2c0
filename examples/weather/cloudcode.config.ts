import { defineConfig } from 'cloudcode';

/** Variables arrive in `process.env` inside a task. They are read when the project is deployed, which `cloudcode start` does. */
export default defineConfig({
  environments: {
    testing: {
      variables: {
        // For example smtp://user:password@mail.example.org:587. Without it, send_mail writes an .eml file.
        SMTP_URL: process.env.SMTP_URL ?? '',
        MAIL_FROM: process.env.MAIL_FROM ?? 'weather@example.org',
        MAIL_TO: process.env.MAIL_TO ?? 'reader@example.org',
      },
    },
  },
});
